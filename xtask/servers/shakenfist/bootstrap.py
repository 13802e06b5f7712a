"""What the cluster's own start-up would do: namespaces with keys, this node and its resources, the floating network."""
import functools
import os
import time

import bcrypt

from shakenfist import etcd, network
from shakenfist.baseobjectmapping import OBJECT_NAMES_TO_CLASSES
from shakenfist.config import config
from shakenfist.namespace import Namespace
from shakenfist.node import Node

# Else each login takes 0.25 s of a core.
bcrypt.gensalt = functools.partial(bcrypt.gensalt, 4)

for name, key_name, key in [
    ("system", "deploy", "secret"),
    ("demo", "main", "demokey"),
    ("other", "main", "otherkey"),
]:
    Namespace.new(name).add_key(key_name, key)

Node.observe_this_node()
LARGE = 4000 << 30
resources = {
    "cpu_max": 64,
    "cpu_available": 64,
    "cpu_max_per_instance": 32,
    "cpu_total_instance_vcpus": 0,
    "memory_max": 262144,
    "memory_available": 262144,
    "memory_total_instance_actual": 0,
    "disk_free": LARGE,
    "disk_free_instances": LARGE,
    "disk_free_blobs": LARGE,
    "node_queue_waiting": 0,
    "instances_total": 0,
    "instances_active": 0,
}
resources.update({f"cpu_load_{minutes}": 0.1 for minutes in (1, 5, 15)})
resources.update({f"is_{role}": True for role in ("hypervisor", "network_node", "etcd_master", "eventlog_node")})
resources.update({f"object_version_{name}": kind.current_version for name, kind in OBJECT_NAMES_TO_CLASSES.items()})
# Reports of resources go stale after two minutes; nothing renews this one.
in_ten_years = time.time() + 10 * 365 * 86400
report = {"fqdn": config.NODE_NAME, "timestamp": in_ten_years, "metrics": resources}
etcd.put("metrics", config.NODE_NAME, None, report)

for folder in ("blobs", "events", "image_cache", "instances", "uploads"):
    os.makedirs(os.path.join(config.STORAGE_PATH, folder), exist_ok=True)

network.floating_network()
floating = network.Network.from_db("floating")
if floating.state.value == "initial":
    floating.state = "created"
