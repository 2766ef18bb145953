"""The engines that come with the post: nats-server and PostgreSQL, run as children from their wheels."""
