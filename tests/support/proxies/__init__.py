"""The proxies of the end-to-end tests: a stand-in for ztunnel and real Envoys (see README.md)."""
