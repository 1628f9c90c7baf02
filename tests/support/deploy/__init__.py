"""The manifests as the tools render them, and a pod of the DaemonSet on containerd."""
