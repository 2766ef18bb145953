"""The processes of a post beside the engine: field connectors, web, live, worker, front door."""
