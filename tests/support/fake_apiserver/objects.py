"""Pods, namespaces, nodes and daemon sets with everything that real ones carry: most of it is
nothing to the agent, which has to read past it."""

from __future__ import annotations

import uuid
from typing import Any

AMBIENT = {"istio.io/dataplane-mode": "ambient"}
CREATED = "2026-01-01T00:00:00Z"
CONTAINERS = ("app", "helper")

Object = dict[str, Any]


def uid_of(*words: str) -> str:
    """The same words, the same uid."""
    return str(uuid.uuid5(uuid.NAMESPACE_DNS, "/".join(words)))


def _managed(manager: str, subresource: str | None, fields: Object) -> Object:
    entry: Object = {
        "manager": manager,
        "operation": "Update",
        "apiVersion": "v1",
        "time": CREATED,
        "fieldsType": "FieldsV1",
        "fieldsV1": fields,
    }
    return entry | ({"subresource": subresource} if subresource else {})


def _names(*names: str) -> Object:
    return {f"f:{name}": {} for name in names}


def namespace(name: str, labels: dict[str, str] | None = None) -> Object:
    return {
        "metadata": {
            "name": name,
            "uid": uid_of(name),
            "creationTimestamp": CREATED,
            "labels": {"kubernetes.io/metadata.name": name, **(labels or {})},
            "annotations": {"example.org/owner": "team of " + name},
            "managedFields": [
                _managed(
                    "kubectl-create",
                    None,
                    {"f:metadata": {"f:labels": {".": {}, "f:kubernetes.io/metadata.name": {}}}},
                )
            ],
        },
        "spec": {"finalizers": ["kubernetes"]},
        "status": {"phase": "Active"},
    }


def _probe(path: str) -> Object:
    return {
        "httpGet": {"path": path, "port": 8080, "scheme": "HTTP"},
        "initialDelaySeconds": 3,
        "timeoutSeconds": 1,
        "periodSeconds": 10,
        "successThreshold": 1,
        "failureThreshold": 3,
    }


def _container(name: str, env: dict[str, str]) -> Object:
    return {
        "name": name,
        "image": f"registry.example.org/team/{name}:v1.2.3",
        "args": ["--listen=:8080", "--log-level=info", f"--name={name}"],
        "ports": [{"name": "http", "containerPort": 8080, "protocol": "TCP"}],
        "env": [
            *({"name": key, "value": value} for key, value in env.items()),
            {
                "name": "POD_NAME",
                "valueFrom": {"fieldRef": {"apiVersion": "v1", "fieldPath": "metadata.name"}},
            },
        ],
        "resources": {
            "limits": {"cpu": "500m", "memory": "256Mi"},
            "requests": {"cpu": "100m", "memory": "128Mi"},
        },
        "volumeMounts": [
            {
                "name": "kube-api-access",
                "readOnly": True,
                "mountPath": "/var/run/secrets/kubernetes.io/serviceaccount",
            }
        ],
        "livenessProbe": _probe("/live"),
        "readinessProbe": _probe("/ready"),
        "terminationMessagePath": "/dev/termination-log",
        "terminationMessagePolicy": "File",
        "imagePullPolicy": "IfNotPresent",
        "securityContext": {"runAsNonRoot": True, "capabilities": {"drop": ["ALL"]}},
    }


def _token_volume() -> Object:
    return {
        "name": "kube-api-access",
        "projected": {
            "sources": [
                {"serviceAccountToken": {"expirationSeconds": 3607, "path": "token"}},
                {
                    "configMap": {
                        "name": "kube-root-ca.crt",
                        "items": [{"key": "ca.crt", "path": "ca.crt"}],
                    }
                },
            ],
            "defaultMode": 420,
        },
    }


def _spec(node: str, account: str, host_network: bool, env: dict[str, str]) -> Object:
    spec: Object = {
        "volumes": [_token_volume()],
        "containers": [_container(container, env) for container in CONTAINERS],
        "restartPolicy": "Always",
        "terminationGracePeriodSeconds": 30,
        "dnsPolicy": "ClusterFirst",
        "serviceAccountName": account,
        "serviceAccount": account,
        "nodeName": node,
        "securityContext": {},
        "schedulerName": "default-scheduler",
        "tolerations": [
            {
                "key": f"node.kubernetes.io/{key}",
                "operator": "Exists",
                "effect": "NoExecute",
                "tolerationSeconds": 300,
            }
            for key in ("not-ready", "unreachable")
        ],
        "priority": 0,
        "enableServiceLinks": True,
        "preemptionPolicy": "PreemptLowerPriority",
    }
    return spec | ({"hostNetwork": True} if host_network else {})


def _container_status(name: str, ready: bool) -> Object:
    image = f"registry.example.org/team/{name}"
    return {
        "name": name,
        "state": {"running": {"startedAt": CREATED}},
        "lastState": {
            "terminated": {
                "exitCode": 137,
                "reason": "OOMKilled",
                "startedAt": CREATED,
                "finishedAt": CREATED,
                "containerID": "containerd://" + "0123456789abcdef" * 4,
            }
        },
        "ready": ready,
        "restartCount": 1,
        "image": f"{image}:v1.2.3",
        "imageID": f"{image}@sha256:" + "fedcba9876543210" * 4,
        "containerID": "containerd://" + "89abcdef01234567" * 4,
        "started": True,
    }


def running(address: str | None, phase: str = "Running", ready: bool = True) -> Object:
    """A pod's status, as the kubelet reports it; without an address, one that still starts."""
    word = "True" if ready and address else "False"
    status: Object = {
        "phase": phase if address else "Pending",
        "conditions": [
            {
                "type": kind,
                "status": value,
                "lastProbeTime": None,
                "lastTransitionTime": CREATED,
            }
            for kind, value in (
                ("Initialized", "True"),
                ("Ready", word),
                ("ContainersReady", word),
                ("PodScheduled", "True"),
            )
        ],
        "hostIP": "172.18.0.2",
        "startTime": CREATED,
        "containerStatuses": [_container_status(name, word == "True") for name in CONTAINERS],
        "qosClass": "Burstable",
    }
    if address:
        status |= {"podIP": address, "podIPs": [{"ip": address}]}
    return status


def pod(
    name: str,
    space: str,
    node: str,
    address: str | None = None,
    *,
    labels: dict[str, str] | None = None,
    annotations: dict[str, str] | None = None,
    uid: str | None = None,
    phase: str = "Running",
    ready: bool = True,
    account: str = "default",
    host_network: bool = False,
    env: dict[str, str] | None = None,
) -> Object:
    """A pod of about 8 kB of JSON."""
    owner = {
        "apiVersion": "apps/v1",
        "kind": "ReplicaSet",
        "name": f"{name}-5d4f8c7b9",
        "uid": uid_of("owner", space, name),
        "controller": True,
        "blockOwnerDeletion": True,
    }
    container_fields = _names(
        ".", "args", "env", "image", "imagePullPolicy", "livenessProbe", "name", "ports",
        "readinessProbe", "resources", "securityContext", "terminationMessagePath",
        "terminationMessagePolicy",
    )  # fmt: skip
    condition_fields = {
        f'k:{{"type":"{kind}"}}': _names(
            ".", "lastProbeTime", "lastTransitionTime", "message", "reason", "status", "type"
        )
        for kind in ("ContainersReady", "Initialized", "PodScheduled", "Ready")
    }
    return {
        "metadata": {
            "name": name,
            "generateName": f"{name}-5d4f8c7b9-",
            "namespace": space,
            "uid": uid or uid_of(space, name),
            "creationTimestamp": CREATED,
            "labels": {"app": name, "pod-template-hash": "5d4f8c7b9", **(labels or {})},
            "annotations": {
                "kubectl.kubernetes.io/restartedAt": CREATED,
                "prometheus.io/scrape": "true",
                **(annotations or {}),
            },
            "ownerReferences": [owner],
            "managedFields": [
                _managed(
                    "kube-controller-manager",
                    None,
                    {
                        "f:metadata": {
                            "f:generateName": {},
                            "f:labels": _names(".", "app", "pod-template-hash"),
                            "f:ownerReferences": {".": {}, f'k:{{"uid":"{owner["uid"]}"}}': {}},
                        },
                        "f:spec": {
                            "f:containers": {
                                f'k:{{"name":"{container}"}}': container_fields
                                for container in CONTAINERS
                            },
                            **_names("dnsPolicy", "restartPolicy", "schedulerName"),
                        },
                    },
                ),
                _managed(
                    "kubelet",
                    "status",
                    {
                        "f:status": {
                            "f:conditions": condition_fields,
                            **_names("hostIP", "phase", "podIP", "podIPs", "startTime"),
                        }
                    },
                ),
            ],
        },
        "spec": _spec(node, account, host_network, env or {}),
        "status": running(address, phase, ready),
    }


def node(name: str, *taint_keys: str) -> Object:
    return {
        "metadata": {
            "name": name,
            "uid": uid_of("node", name),
            "creationTimestamp": CREATED,
            "labels": {"kubernetes.io/hostname": name, "kubernetes.io/os": "linux"},
        },
        "spec": {
            "taints": [
                {"key": key, "effect": "NoSchedule"}
                for key in ("node.kubernetes.io/example", *taint_keys)
            ]
        },
        "status": {"nodeInfo": {"containerRuntimeVersion": "containerd://1.6.20"}},
    }


def daemon_set(name: str, space: str, node_selector: dict[str, str] | None = None) -> Object:
    return {
        "metadata": {
            "name": name,
            "namespace": space,
            "uid": uid_of("daemonset", space, name),
            "creationTimestamp": CREATED,
            "generation": 1,
        },
        "spec": {
            "selector": {"matchLabels": {"app": name}},
            "template": {
                "metadata": {"labels": {"app": name}},
                "spec": {"nodeSelector": {"kubernetes.io/os": "linux", **(node_selector or {})}},
            },
        },
        "status": {"desiredNumberScheduled": 1, "numberReady": 1},
    }
