"""Optuna's studies as documents of `studies`: name, directions and attributes, but no trials."""

import re
import secrets
import threading
from collections.abc import Sequence
from typing import Any, Literal

from optuna.exceptions import DuplicatedStudyError
from optuna.study import StudyDirection
from optuna.study._frozen import FrozenStudy  # what Optuna's storage protocol returns

from mlsys.domain.errors import AlreadyExists, Conflict, NotFound
from mlsys.domain.ids import ID_PATTERN, content_id
from mlsys.ports import Delete, Document, Records
from mlsys.repositories.collection import each_document
from mlsys.use_cases.trials.documents import MAX_STUDY_ID, as_json, loose, strict
from mlsys.use_cases.trials.table import Terms, TrialTable

COLLECTION = "studies"

Kind = Literal["user_attrs", "system_attrs"]


class Studies:
    """All studies of a backend, and the trial tables of those that this process uses.

    A study's id is drawn at random from 2^36 when it is made, so that it is not used again after
    the study was deleted. Its document is named after it, or after a hash of a name that is no id.
    """

    def __init__(self, records: Records, *, terms: Terms) -> None:
        self._records = records
        self._terms = terms
        self._tables: dict[int, TrialTable] = {}
        self._opening = threading.Lock()

    def create(self, name: str, directions: Sequence[StudyDirection]) -> TrialTable:
        """Make a study. Raises DuplicatedStudyError."""
        body = {
            "study_id": secrets.randbelow(MAX_STUDY_ID),
            "name": name,
            "directions": [direction.name for direction in directions],
            "user_attrs": {},
            "system_attrs": {},
        }
        try:
            return self._open(self._records.create(COLLECTION, _document_id(name), body))
        except AlreadyExists as error:
            raise DuplicatedStudyError(f"there is a study {name!r} already") from error

    def delete(self, study_id: int) -> None:
        """Remove a study with its trials; interrupted, it can be repeated. Raises KeyError."""
        table = self.table(study_id)
        with table.asking:
            self._document(table)
            table.delete()
            while True:
                try:
                    self._records.commit([Delete(self._document(table))])
                except Conflict:
                    continue
                break
            del self._tables[study_id]

    def named(self, name: str) -> TrialTable:
        """Return the trials of the study of this name. Raises KeyError."""
        try:
            return self._open(self._records.get(COLLECTION, _document_id(name)))
        except NotFound as error:
            raise KeyError(f"no study {name!r}") from error

    def table(self, study_id: int) -> TrialTable:
        """Return the trials of a study. Raises KeyError."""
        table = self._tables.get(study_id)
        if table is not None:
            return table
        page = self._records.query(COLLECTION, where={"study_id": study_id}, limit=1)
        if not page.documents:
            raise KeyError(f"no study with id {study_id}")
        return self._open(page.documents[0])

    def opened(self) -> list[TrialTable]:
        """Return the tables that this process has used."""
        return list(self._tables.values())

    def all(self) -> list[FrozenStudy]:
        """Return all studies by id."""
        found = each_document(COLLECTION, records=self._records, order_by="study_id")
        return [_frozen(document) for document in found]

    def attrs(self, study_id: int, kind: Kind) -> dict[str, Any]:
        """Read a study's attributes. Raises KeyError."""
        attrs: dict[str, Any] = loose(self._document(self.table(study_id)).body[kind])
        return attrs

    def set_attr(self, study_id: int, kind: Kind, key: str, value: Any) -> None:
        """Set one attribute, whoever sets others meanwhile. Raises KeyError."""
        clean, _ = as_json({key: value})
        table = self.table(study_id)
        while True:
            document = self._document(table)
            attrs = {**document.body[kind], **strict(clean)}
            try:
                self._records.replace(document, {**document.body, kind: attrs})
            except Conflict:
                continue
            return

    def _document(self, table: TrialTable) -> Document:
        document_id = _document_id(table.name)
        document = self._records.get_many(COLLECTION, [document_id]).get(document_id)
        if document is None or document.body["study_id"] != table.study_id:
            raise KeyError(f"study {table.name!r} was deleted")
        return document

    def _open(self, document: Document) -> TrialTable:
        body = document.body
        with self._opening:
            return self._tables.setdefault(
                body["study_id"],
                TrialTable(
                    body["study_id"],
                    body["name"],
                    collection=f"experiments/{document.id}/trials",
                    directions=[StudyDirection[name] for name in body["directions"]],
                    records=self._records,
                    terms=self._terms,
                ),
            )


def _document_id(name: str) -> str:
    return name if re.fullmatch(ID_PATTERN, name) else content_id("study", name)


def _frozen(document: Document) -> FrozenStudy:
    return FrozenStudy(
        study_name=document.body["name"],
        direction=None,
        directions=[StudyDirection[name] for name in document.body["directions"]],
        user_attrs=loose(document.body["user_attrs"]),
        system_attrs=loose(document.body["system_attrs"]),
        study_id=document.body["study_id"],
    )
