"""Drives a gateway through a client that openapi-python-client made of its document; ends with what it saw, as JSON."""

import datetime
import json
import sys
import time
import urllib.error
import urllib.request

from tollgate_client import AuthenticatedClient
from tollgate_client.api.api_keys import (
    delete_gateway_groups_api_keys,
    get_gateway_groups_api_keys,
    post_gateway_groups_api_keys,
)
from tollgate_client.api.endpoints import delete_gateway_endpoints, post_gateway_endpoints
from tollgate_client.api.events import get_gateway_events
from tollgate_client.api.groups import (
    delete_gateway_groups,
    get_gateway_groups,
    get_gateway_groups_group_id,
    get_gateway_groups_usage,
    patch_gateway_groups,
    post_gateway_groups,
)
from tollgate_client.models import Error, GroupPatch, NewApiKey, NewEndpoint, NewGroup

url, key, start_time = sys.argv[1:]
slug = "aurora/lumen-py"
client = AuthenticatedClient(base_url=url, token=key, prefix="Api-Key")


def new_group(external_id, threshold, hierarchy):
    limits = [{"type": "TOKEN", "unit": "DAY", "threshold": threshold}]
    return NewGroup.from_dict(
        {
            "metadata": {"name": None, "external_entity_id": external_id},
            "models": [{"slug": slug, "usage_limits": limits}],
            "hierarchy": hierarchy,
        }
    )


def call(api_key):
    request = urllib.request.Request(
        f"{url}/v1/chat/completions",
        json.dumps({"model": slug, "messages": [{"role": "user", "content": "Hello"}]}).encode(),
        {"authorization": f"Api-Key {api_key}", "content-type": "application/json"},
    )
    try:
        with urllib.request.urlopen(request) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code


def billed():
    """The events since the start, as soon as they are old enough to be pulled: time runs fast in this test."""
    since = datetime.datetime.fromisoformat(start_time)
    for _ in range(100):
        page = get_gateway_events.sync(client=client, start_time=since, external_entity_ids=["py-child"])
        if page.items:
            return page.items
        time.sleep(0.2)
    return []


def below(parent):
    return {"parent_group_id": parent.id}


endpoint = post_gateway_endpoints.sync(
    client=client,
    body=NewEndpoint.from_dict({"slug": slug, "targets": [{"provider": "BASETEN", "model_id": "lumen"}]}),
)
root = post_gateway_groups.sync(client=client, body=new_group("py-root", 1000, {"limit_enforcement": "CASCADING"}))
child = post_gateway_groups.sync(client=client, body=new_group("py-child", 500, below(root)))
refused = post_gateway_groups.sync(client=client, body=new_group("py-above", 1001, below(child)))
assert isinstance(refused, Error), refused
renamed = patch_gateway_groups.sync(child.id, client=client, body=GroupPatch.from_dict({"metadata": {"name": "Py"}}))
minted = post_gateway_groups_api_keys.sync(child.id, client=client, body=NewApiKey.from_dict({"name": "ci"}))
statuses = [call(minted.api_key)]
events = billed()
usage = get_gateway_groups_usage.sync(child.id, client=client)
listed_keys = get_gateway_groups_api_keys.sync(child.id, client=client)
listed_groups = get_gateway_groups.sync(client=client, external_entity_id="py-child")
delete_gateway_groups_api_keys.sync(child.id, minted.prefix, client=client)
statuses.append(call(minted.api_key))
delete_gateway_groups.sync(root.id, client=client)
gone = get_gateway_groups_group_id.sync(child.id, client=client)
delete_gateway_endpoints.sync(endpoint.id, client=client)

print(
    json.dumps(
        {
            "refused": refused.to_dict(),
            "name": renamed.metadata.name,
            "effective": [limit.threshold for limit in renamed.effective_models[0].usage_limits],
            "statuses": statuses,
            "usage": usage.to_dict(),
            "events": [item.to_dict() for item in events],
            "keys": [item.to_dict() for item in listed_keys.items],
            "groups": [item.id == child.id for item in listed_groups.items],
            "gone": gone.to_dict(),
        }
    )
)
