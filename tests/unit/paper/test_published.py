"""The paper's numbers, against its tables as printed (the markdown of the paper)."""

import pytest

from hilum.paper import printed

TABLE_4 = """
ResNet	Sensitivity	0.8715	0.9274	0.9303	0.8752
	Specificity	0.9812	0.9219	0.9055	0.9626
	PR-AUC	0.9795	0.9424	0.9291	0.9634
	Time	1997	2176	2041	2063
SqueezeNet	Sensitivity	0.9128	0.8722	0.9134	0.9045
	Specificity	0.9730	0.9761	0.9718	0.9673
	PR-AUC	0.9733	0.9680	0.9693	0.9657
	Time	1673	1796	1708	1706
DenseNet	Sensitivity	0.9580	0.9784	0.9718	0.9596
	Specificity	0.9969	0.9909	0.9897	0.9912
	PR-AUC	0.9950	0.9956	0.9945	0.9939
	Time	3567	3581	3605	3579
"""
TABLE_5 = """
ResNet	Sensitivity	0.0542	0.0195	0.0234	0.0428
	Specificity	0.0132	0.0099	0.0251	0.0251
	PR-AUC	0.0011	0.0134	0.0047	0.0021
	Time	16.7	141.0	4.6	33.6
SqueezeNet	Sensitivity	0.0148	0.0364	0.0085	0.0109
	Specificity	0.0052	0.0089	0.0056	0.0051
	PR-AUC	0.0008	0.0010	0.0006	0.0012
	Time	9.9	86.7	7.3	18.3
"""
BACKBONES = {"ResNet": "resnet50", "SqueezeNet": "squeezenet1_0", "DenseNet": "densenet121"}
METRICS = {"Sensitivity": "sensitivity", "Specificity": "specificity", "PR-AUC": "pr_auc", "Time": "seconds"}


def _printed(text):
    backbone = ""
    for line in text.strip().splitlines():
        first, metric, *values = line.split("\t")
        backbone = first or backbone
        for pipeline, value in zip(("baseline", "crop", "crop-distortion", "crop-zoom"), values, strict=True):
            yield BACKBONES[backbone], pipeline, METRICS[metric], float(value)


@pytest.mark.parametrize(
    ("look_up", "text", "n"), [(printed.table_4, TABLE_4, 48), (printed.table_5, TABLE_5, 32)]
)
def test_every_printed_number_is_there(look_up, text, n):
    found = list(_printed(text))
    assert len(found) == n
    for backbone, pipeline, metric, value in found:
        assert look_up(backbone, pipeline, metric) == value


@pytest.mark.parametrize(
    "cell", [("tf_efficientnet_lite0", "crop"), ("resnet50", "rotation"), ("densenet121", "nonesuch")]
)
def test_what_the_paper_does_not_have_is_none(cell):
    assert printed.table_4(*cell, "sensitivity") is None
    assert printed.table_5(*cell, "sensitivity") is None


def test_densenet_was_run_once():
    assert printed.table_4("densenet121", "crop", "sensitivity") == 0.9784
    assert printed.table_5("densenet121", "crop", "sensitivity") is None
