"""The path as durable code."""
