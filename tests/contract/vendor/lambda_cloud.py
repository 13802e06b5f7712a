"""Drives the fake Lambda Cloud with the Python client `lambda-ai-cloud-api-client`: URL and key are the arguments."""

import sys
import time

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
from lambda_ai_cloud_api_client.api.ssh_keys import add_ssh_key, list_ssh_keys
from lambda_ai_cloud_api_client.client import AuthenticatedClient
from lambda_ai_cloud_api_client import models


def good(answer):
    """The data of an answer, which must be one that the client could read."""
    assert answer.status_code == 200, (answer.status_code, answer.content)
    assert answer.parsed is not None, answer.content
    return answer.parsed.data


def until(client, instance_id, status):
    for _ in range(100):
        seen = good(get_instance.sync_detailed(id=instance_id, client=client))
        if seen.status == status:
            return seen
        time.sleep(0.01)
    raise AssertionError(f"{instance_id} never became {status}")


def request(**changes):
    asked = {
        "region_name": models.PublicRegionCode.US_WEST_1,
        "instance_type_name": "gpu_1x_a10",
        "ssh_key_names": ["laptop"],
        "name": "from-python",
    }
    return models.InstanceLaunchRequest(**{**asked, **changes})


def instances(client):
    types = good(list_instance_types.sync_detailed(client=client))
    offer = types["gpu_1x_a10"]
    assert offer.instance_type.price_cents_per_hour == 75
    assert any(region.name == "us-west-1" for region in offer.regions_with_capacity_available)

    tags = [models.RequestedTagEntry(key="team", value="vision")]
    launched = good(launch_instance.sync_detailed(client=client, body=request(tags=tags)))
    [instance_id] = launched.instance_ids
    seen = until(client, instance_id, "active")
    assert seen.ip and seen.tags[0].value == "vision" and seen.actions.restart.available
    assert [one.id for one in good(list_instances.sync_detailed(client=client))] == [instance_id]

    renamed = models.InstanceModificationRequest(name="renamed")
    assert good(post_instance.sync_detailed(id=instance_id, client=client, body=renamed)).name == "renamed"

    body = models.InstanceRestartRequest(instance_ids=[instance_id])
    restarted = good(restart_instance.sync_detailed(client=client, body=body)).restarted_instances
    assert restarted[0].status == "booting" and not restarted[0].actions.restart.available
    until(client, instance_id, "active")

    body = models.InstanceTerminateRequest(instance_ids=[instance_id])
    assert good(terminate_instance.sync_detailed(client=client, body=body)).terminated_instances[0].id == instance_id
    until(client, instance_id, "terminated")


def refusals(client, stranger):
    answer = launch_instance.sync_detailed(client=client, body=request(instance_type_name="gpu_9x_z"))
    assert answer.parsed.error.code == "global/object-does-not-exist", answer.content
    answer = get_instance.sync_detailed(id="nope", client=client)
    assert answer.status_code == 404 and answer.parsed.error.code == "global/object-does-not-exist"
    answer = list_instances.sync_detailed(client=stranger)
    assert answer.status_code == 401 and answer.parsed.error.code == "global/invalid-api-key"


def companions(client):
    assert good(list_images.sync_detailed(client=client))[0].family
    pair = good(add_ssh_key.sync_detailed(client=client, body=models.AddSSHKeyRequest(name="robot")))
    assert pair.private_key
    assert len(good(list_ssh_keys.sync_detailed(client=client))) == 2
    body = models.FilesystemCreateRequest(name="models", region=models.PublicRegionCode.US_WEST_1)
    made = good(create_filesystem.sync_detailed(client=client, body=body))
    assert [one.id for one in good(list_filesystems.sync_detailed(client=client))] == [made.id]
    assert good(filesystem_delete.sync_detailed(id=made.id, client=client)).deleted_ids == [made.id]
    rules = good(firewall_rules_list.sync_detailed(client=client))
    body = models.FirewallRulesetCreateRequest(name="web", region=models.PublicRegionCode.US_WEST_1, rules=rules)
    made = good(create_firewall_ruleset.sync_detailed(client=client, body=body))
    assert [one.id for one in good(firewall_rulesets_list.sync_detailed(client=client))] == [made.id]
    assert good(get_global_firewall_ruleset.sync_detailed(client=client)).rules


def main(url, key):
    client = AuthenticatedClient(base_url=url, token=key)
    instances(client)
    refusals(client, AuthenticatedClient(base_url=url, token="wrong"))
    companions(client)


main(*sys.argv[1:])
