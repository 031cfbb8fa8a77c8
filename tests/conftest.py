"""What holds for every test: no study is recorded in MLflow unless a test asks for it."""

import os

os.environ.setdefault("HILUM_MLFLOW", "0")
