"""The stages that make the clusters of a tier: of strips, of what TDCs read, of simulated points."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from emiss.reco.tracking.strips import PointStage, StripStage
from emiss.reco.tracking.timed import TdcStage

if TYPE_CHECKING:
    from emiss.calib.conditions import RunConditions
    from emiss.events.batch import Batch
    from emiss.events.lists import Lists
    from emiss.reco.detector.model import Detector


def clustering(detector: Detector, tier: str) -> list[StripStage | TdcStage | PointStage]:
    """Return the stages of the tier ``raw`` or ``hits``."""
    if tier == "hits":
        return [PointStage(detector)]
    return [StripStage(detector), TdcStage(detector)] if detector.timed else [StripStage(detector)]


def clusters_of(batch: Batch, detector: Detector, conditions: RunConditions) -> Lists:
    """Return the clusters of a batch."""
    products: dict[str, Any] = {}
    for stage in clustering(detector, "raw" if batch.cells is None else "hits"):
        stage.begin_run(conditions)
        products |= stage(batch, products)
    clusters: Lists = products["clusters"]
    return clusters
