"""The console: what operators see. Pages rendered here, frames rendered by the same templates."""
