"""Four nodes and their mesh, as network namespaces on one underlay."""
