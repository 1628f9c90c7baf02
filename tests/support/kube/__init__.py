"""A node as an operator has it: the agent on an API server, sandboxes by libcni or containerd."""
