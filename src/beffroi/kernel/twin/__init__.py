"""The twin: asset classes, assets, relations, current state, history, silence."""
