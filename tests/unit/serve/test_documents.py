"""What the service says of itself, and its answer as FHIR: held against the specifications' own checkers."""

from __future__ import annotations

import httpx
import pytest
from fhir.resources.R4B.bundle import Bundle as FhirBundle

from hilum import RESEARCH_NOTICE
from hilum.serve.problems import PROBLEMS
from needs import needed_module
from serving import film

PNG = {"content-type": "image/png"}


@pytest.fixture(scope="module")
def openapi(url):
    return httpx.get(f"{url}/openapi.json").json()


def test_the_description_is_openapi_3_1_and_valid(openapi):
    needed_module("openapi_spec_validator")
    from openapi_spec_validator import OpenAPIV31SpecValidator

    assert openapi["openapi"].startswith("3.1")
    assert list(OpenAPIV31SpecValidator(openapi).iter_errors()) == []


def test_each_route_names_its_failures_with_an_example(openapi):
    named = {}
    for path, methods in openapi["paths"].items():
        for method, route in methods.items():
            assert route["summary"], (path, method)
            named[method, path] = {int(s) for s in route["responses"] if int(s) >= 400}
            for status, response in route["responses"].items():
                if int(status) >= 400:
                    content = response["content"]["application/problem+json"]
                    assert content["example"]["status"] == int(status)
                    assert set(content["schema"]["required"]) <= set(content["example"])
    films = {400, 401, 403, 404, 408, 413, 415, 422, 429, 503}
    assert named["post", "/v1/predict"] == named["post", "/v1/explain"] == films
    assert set(PROBLEMS) >= films
    assert set(named) >= {
        ("get", "/v1/bundles"),
        ("put", "/v1/bundles/{name}"),
        ("post", "/v1/feedback"),
        ("get", "/healthz"),
        ("get", "/readyz"),
        ("get", "/metrics"),
    }


def test_an_answer_as_fhir_is_a_report_with_its_observations(url):
    response = httpx.post(
        f"{url}/v1/predict", content=film(3), headers={**PNG, "accept": "application/fhir+json"}
    )
    plain = httpx.post(f"{url}/v1/predict", content=film(3), headers=PNG).json()["answers"][0]
    assert response.headers["content-type"] == "application/fhir+json"
    found = FhirBundle.model_validate(response.json())
    kinds = [e.resource.__resource_type__ for e in found.entry]
    assert kinds.count("DiagnosticReport") == 1
    report = found.entry[0].resource
    assert RESEARCH_NOTICE in report.conclusion
    assert report.status == "preliminary"
    by_url = {e.fullUrl: e.resource for e in found.entry}
    observations = [by_url[r.reference] for r in report.result]
    assert len(observations) == len(found.entry) - 1
    values = {o.code.coding[0].display: o for o in observations}
    assert float(values["Probability of covid"].valueQuantity.value) == round(
        plain["probabilities"]["covid"], 6
    )
    assert all(RESEARCH_NOTICE in o.note[0].text for o in observations)


def test_of_several_films_fhir_says_which_has_no_answer(url):
    files = [("films", ("a", film(3))), ("films", ("b", film(3)[:90]))]
    response = httpx.post(f"{url}/v1/predict", files=files, headers={"accept": "application/fhir+json"})
    found = FhirBundle.model_validate(response.json())
    absent = [e.resource for e in found.entry if getattr(e.resource, "dataAbsentReason", None)]
    assert [o.dataAbsentReason.text for o in absent] == ["the PNG ends after 90 bytes, within a chunk"]
