"""The side of the people who label: never sees a model name or a verdict."""
