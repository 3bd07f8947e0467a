"""The demo's parts: the world of flights, the nodes, loading, features, and the checks."""
