"""The vendor's own SDK against the fake service; what it finds must be what the test put there."""

import json
import os
import sys

import koyeb.api as sdk


def client():
    configuration = sdk.Configuration(host=os.environ["KOYEB_API_HOST"])
    configuration.api_key["Bearer"] = os.environ["KOYEB_API_TOKEN"]
    configuration.api_key_prefix["Bearer"] = "Bearer"
    return sdk.ApiClient(configuration)


def pages_by_count(fetch, items):
    found, offset = [], 0
    while True:
        reply = fetch(limit="10", offset=str(offset))
        found += items(reply)
        offset += len(items(reply))
        if offset >= reply.count:
            return found


def pages_by_has_next(fetch, items):
    found, has_next = [], True
    while has_next:
        reply = fetch(limit="10", offset=str(len(found)))
        found += items(reply)
        has_next = reply.has_next
    return found


def main():
    service = sys.argv[1]
    with client() as api:
        instances, logs = sdk.InstancesApi(api), sdk.LogsApi(api)
        services, deployments = sdk.ServicesApi(api), sdk.DeploymentsApi(api)
        snapshots = sdk.InstanceSnapshotsApi(api)

        listed = pages_by_count(
            lambda **page: instances.list_instances(service_id=service, statuses=["HEALTHY"], order="asc", **page),
            lambda reply: reply.instances,
        )
        got = instances.get_instance(listed[0].id).instance
        events = pages_by_has_next(
            lambda **page: instances.list_instance_events(order="asc", **page), lambda reply: reply.events
        )

        lines, more, window = [], True, {}
        while more:
            reply = logs.query_logs(service_id=service, order="asc", limit="10", **window)
            lines += [entry.msg for entry in reply.data]
            more = reply.pagination.has_more
            window = {"start": reply.pagination.next_start, "end": reply.pagination.next_end}

        found = services.list_services(name="shop").services
        whole = services.get_service(service).service
        deployment = deployments.get_deployment(whole.latest_deployment_id).deployment
        redeployed = services.re_deploy(service, sdk.RedeployRequestInfo(use_cache=True)).deployment
        request = sdk.CreateInstanceSnapshotRequest(instance_id=listed[0].id, name="before")
        snapshot = snapshots.create_instance_snapshot(request).instance_snapshot
        refusals = []
        for call in (
            lambda: instances.get_instance("nowhere"),
            lambda: instances.list_instances(limit="101"),
            lambda: services.resume_service(service),
        ):
            try:
                call()
            except sdk.ApiException as e:
                body = json.loads(e.body)
                refusals.append([e.status, body["code"]])

        json.dump(
            {
                "listed": [instance.id for instance in listed],
                "got": [got.id, got.status.value, got.region, got.replica_index, got.terminated_at],
                "events": [event.instance_id for event in events],
                "lines": lines,
                "service": [[one.id, one.name] for one in found] + [[whole.status.value]],
                "deployment": [deployment.id, deployment.status.value],
                "redeployed": [redeployed.status.value, redeployed.service_id],
                "snapshot": [snapshot.name, snapshot.instance_id, snapshot.status.value],
                "refusals": refusals,
            },
            sys.stdout,
        )


main()
