"""Connects the Python client for the steps of lambda_cloud.steps."""

import os
import time

from lambda_ai_cloud_api_client import models
from lambda_ai_cloud_api_client.api.filesystems import create_filesystem, filesystem_delete, list_filesystems
from lambda_ai_cloud_api_client.api.firewalls import (
    create_firewall_ruleset,
    firewall_rules_list,
    firewall_rulesets_list,
    get_global_firewall_ruleset,
)
from lambda_ai_cloud_api_client.api.images import list_images
from lambda_ai_cloud_api_client.api.instances import (
    get_instance,
    launch_instance,
    list_instance_types,
    list_instances,
    post_instance,
    restart_instance,
    terminate_instance,
)
from lambda_ai_cloud_api_client.api.ssh_keys import add_ssh_key, delete_ssh_key, list_ssh_keys
from lambda_ai_cloud_api_client.client import AuthenticatedClient

URL = os.environ["WINDLASS_VENDOR_URL"]
client = AuthenticatedClient(base_url=URL, token=os.environ["WINDLASS_VENDOR_KEY"])


class Refused(Exception):
    pass


def ask(module, by=client, **arguments):
    """The data of an answer that the client could read; a refusal is raised."""
    answer = module.sync_detailed(client=by, **arguments)
    if answer.status_code != 200:
        raise Refused(f"{int(answer.status_code)} {answer.parsed.error.code}")
    return answer.parsed.data


def launch(**changes):
    asked = {"region_name": models.PublicRegionCode.US_WEST_1, "instance_type_name": "gpu_1x_a10",
             "ssh_key_names": ["laptop"]}
    return ask(launch_instance, body=models.InstanceLaunchRequest(**{**asked, **changes}))


def until(instance, status):
    for _ in range(3000):
        seen = ask(get_instance, id=instance)
        if seen.status == status:
            return seen
        time.sleep(0.01)
    raise TimeoutError(f"never {status}")
