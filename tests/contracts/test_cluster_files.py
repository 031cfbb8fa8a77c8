"""The cluster files of the how-to have the form that those who read them ask for; no cluster is started."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

ray = pytest.importorskip("ray")
HOW_TO = Path(__file__).parents[2] / "docs" / "how-to"


def read(name: str) -> Any:
    return yaml.safe_load((HOW_TO / name).read_text())


def test_the_launchers_file_has_the_form_of_rays_own_schema() -> None:
    schema = json.loads((Path(ray.__file__).parent / "autoscaler" / "ray-schema.json").read_text())
    asked = read("ray-cluster.yaml")
    jsonschema.validate(asked, schema)
    kinds = asked["available_node_types"]
    assert asked["head_node_type"] in kinds
    assert len({kind["node_config"]["InstanceType"] for kind in kinds.values()}) == 1, "one kind of machine"
    for commands in (asked["head_start_ray_commands"], asked["worker_start_ray_commands"]):
        assert "--disable-usage-stats" in commands[-1]
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**asked, "workers": 3}, schema)


def test_the_kuberay_file_has_what_the_resource_requires() -> None:
    """As ``ray-operator/config/crd/bases/ray.io_rayclusters.yaml`` of https://github.com/ray-project/kuberay (at feeaf72fa) has it."""
    asked = read("raycluster.yaml")
    assert (asked["apiVersion"], asked["kind"]) == ("ray.io/v1", "RayCluster")
    assert asked["metadata"]["name"] == "hilum", "the service is called hilum-head-svc"
    assert asked["spec"]["rayVersion"].startswith("2.60"), "as the extra asks for"
    head, (workers,) = asked["spec"]["headGroupSpec"], asked["spec"]["workerGroupSpecs"]
    assert {"groupName", "minReplicas", "maxReplicas", "template"} <= set(workers)
    pods = [group["template"]["spec"] for group in (head, workers)]
    assert pods[0]["nodeSelector"] == pods[1]["nodeSelector"], "one kind of machine"
    for pod in pods:
        (container,) = pod["containers"]
        assert {"name", "image", "resources"} <= set(container)
        assert {"name": "RAY_USAGE_STATS_ENABLED", "value": "0"} in container["env"]
        mounted = {m["name"] for m in container["volumeMounts"]}
        assert mounted == {v["name"] for v in pod["volumes"]}
