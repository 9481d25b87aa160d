"""The estimates: pure functions from monthly series and frames to an estimate, or to a stated refusal.

Nothing here reads the record: a chapter loads its tables and hands the series over. Every design answers with the
same :class:`~roxham.models.estimate.Estimate`, so that a chapter can lay designs side by side and a
specification curve can hold them all.
"""
