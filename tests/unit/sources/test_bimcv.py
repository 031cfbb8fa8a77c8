"""BIMCV-COVID19+ as published.

Columns, names of films and lists of labels: https://github.com/BIMCV-CSUSP/BIMCV-COVID-19, and datasets/bimcvcoviddataset.py and
data/make_csv.py of https://github.com/suinleelab/cxr_covid; the reports are made up in their form.
"""

from __future__ import annotations

from pathlib import Path

from ingesting import facts, films, left_out, run

NAME = "sub-S0{p}/ses-E0{s}/mod-rx/sub-S0{p}_ses-E0{s}_{rest}.png"


def test_the_name_has_patient_report_and_view(tmp_path: Path) -> None:
    names = [
        NAME.format(p=3044, s=6169, rest="run-1_bp-chest_vp-pa_dx"),
        NAME.format(p=3044, s=6169, rest="run-2_bp-chest_vp-ll_dx"),
        NAME.format(p=3045, s=6170, rest="acq-2_run-1_bp-chest_vp-ap_cr"),
        NAME.format(p=3046, s=6171, rest="run-1_bp-chest_vp-ap_cr"),
        NAME.format(p=3046, s=6171, rest="run-1_bp-chest_ct"),
        NAME.format(p=3047, s=6199, rest="run-1_bp-chest_cr"),
    ]
    root = films(tmp_path / "covid19_posi", *names)
    (root / "derivatives" / "labels").mkdir(parents=True)
    (root / "derivatives" / "labels" / "labels_covid19_posi.tsv").write_text(
        "PatientID\tReportID\tReport\tLabels\n"
        "sub-S03044\tses-E06169\tx\t['COVID 19', 'ground glass pattern']\n"
        "sub-S03045\tses-E06170\tx\t['normal']\n"
        "sub-S03046\tses-E06171\tx\t['COVID 19 uncertain', 'pleural effusion']\n"
        "sub-S03048\tses-E06180\tx\t['normal']\n"
    )
    (root / "participants.tsv").write_text(
        "participant\tmodality_dicom\tbody_parts\tage\tgender\n"
        "sub-S03044\t['DX']\t[['chest']]\t[65]\tF\nsub-S03045\t['CR']\t[['chest']]\t[41]\tM\n"
    )
    done = run(tmp_path, f"bimcv={root}")
    columns = ("label", "patient_id", "view", "age", "sex", "report_id", "findings")
    assert facts(done, *columns) == {
        f"bimcv/{names[0][:-4]}":
            ("covid", "bimcv:sub-S03044", "PA", "65", "F", "ses-E06169", "COVID 19|ground glass pattern"),
        f"bimcv/{names[2][:-4]}": ("normal", "bimcv:sub-S03045", "AP", "41", "M", "ses-E06170", "normal"),
    }  # fmt: skip
    assert left_out(done) == {
        names[1]: "not frontal",
        names[3]: "finding uncertain",
        names[4]: "not X-ray",
        names[5]: "no row in metadata",
        "sub-S03048/ses-E06180": "no such file",
    }
    sure = run(tmp_path, f"bimcv={root}", uncertain="positive")
    assert facts(sure, "label", "finding_covid")[f"bimcv/{names[3][:-4]}"] == ("covid", "1")
