"""The public sets that hilum knows: what is in them, under which licence, how large, whom to cite, where they
are.

Convention: a set's name is the folder it is put in, and so the name of the source in a manifest. Sizes are
rounded, of the download. Nothing of these sets is in hilum, and whoever fetches one accepts its licence.
"""

from __future__ import annotations

from dataclasses import dataclass

from hilum.core.errors import InputError, nearest


@dataclass(frozen=True, slots=True)
class PublicSet:
    """A public set of chest films.

    Attributes:
        name: As in `hilum data fetch NAME`.
        title: What its authors call it.
        films: What is in it.
        licence: Under which licence.
        size: Of the download, rounded.
        patient_ids: Whether it has them.
        page: Its page, where it is got by hand.
        citation: Whom to cite.
        archive: Address of a zip, or empty.
        kaggle: Handle on Kaggle, or empty.
        sha256: Of the zip; empty where the zip changes with the set and has no fixed digest.
    """

    name: str
    title: str
    films: str
    licence: str
    size: str
    patient_ids: str
    page: str
    citation: str
    archive: str = ""
    kaggle: str = ""
    sha256: str = ""


SETS = (
    PublicSet(
        name="cohen",
        title="covid-chestxray-dataset (ieee8023)",
        films="about 900 X-rays and CT slices, most of them covid, with metadata",
        licence="by film, in metadata.csv: mostly CC BY-NC-SA, some not stated",
        size="0.6 GB",
        patient_ids="yes",
        page="https://github.com/ieee8023/covid-chestxray-dataset",
        citation=(
            "J. P. Cohen, P. Morrison, L. Dao, K. Roth, T. Q. Duong, M. Ghassemi: COVID-19 Image Data "
            "Collection: Prospective Predictions Are the Future. arXiv:2006.11988, 2020"
        ),
        archive="https://github.com/ieee8023/covid-chestxray-dataset/archive/refs/heads/master.zip",
    ),
    PublicSet(
        name="radiography",
        title="COVID-19 Radiography Database",
        films="covid 3616, normal 10192, viral pneumonia 1345, lung opacity 6012; 299 x 299, with lung masks",
        licence="research use, as its page states",
        size="0.8 GB",
        patient_ids="no: declare --no-patient-ids radiography",
        page="https://www.kaggle.com/datasets/tawsifurrahman/covid19-radiography-database",
        citation=(
            "M. E. H. Chowdhury et al.: Can AI Help in Screening Viral and COVID-19 Pneumonia? IEEE Access "
            "8, 132665, 2020; T. Rahman et al.: Exploring the effect of image enhancement techniques on "
            "COVID-19 detection using chest X-ray images. Computers in Biology and Medicine 132, 104319, 2021"
        ),
        kaggle="tawsifurrahman/covid19-radiography-database",
    ),
    PublicSet(
        name="mooney",
        title="Chest X-Ray Images (Pneumonia)",
        films="5856 of children of 1-5 years: bacterial 2780, viral 1493, normal 1583",
        licence="CC BY 4.0",
        size="2.3 GB",
        patient_ids="yes, in the file names",
        page="https://www.kaggle.com/datasets/paultimothymooney/chest-xray-pneumonia",
        citation=(
            "D. S. Kermany et al.: Identifying Medical Diagnoses and Treatable Diseases by Image-Based Deep "
            "Learning. Cell 172, 1122, 2018; data: doi:10.17632/rscbjbr9sj.2"
        ),
        kaggle="paultimothymooney/chest-xray-pneumonia",
    ),
)


def public_set(name: str) -> PublicSet:
    """The set of this name.

    Raises:
        InputError: There is none.
    """
    for known in SETS:
        if known.name == name:
            return known
    raise InputError(f"unknown public set {name!r}; {nearest(name, (s.name for s in SETS))}")
