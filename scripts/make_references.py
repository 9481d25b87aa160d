"""Compile chapters/references.bib from data/tables/sources.csv: one place describes a source."""

from pathlib import Path

from roxham.publish.bibliography import bibtex

(Path(__file__).resolve().parents[1] / "chapters" / "references.bib").write_text(bibtex())
