"""The standard's element dictionary and registered UIDs, as facts out of pydicom's tables.

The two tables are modules without imports. They are loaded by themselves, because importing the
package around them reads in its pixel decoders and numpy: most of the time that a short run of
`anbiao clean` would take.
"""

from importlib.util import find_spec, module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType


def _table(name: str) -> ModuleType:
    """A module of pydicom's folder, without the package.

    Raises:
        ModuleNotFoundError: pydicom isn't installed, or has no such table any more.
    """
    package = find_spec("pydicom")
    places = (package.submodule_search_locations if package else None) or []
    for place in places:
        spec = spec_from_file_location(f"anbiao.pydicom{name}", Path(place) / f"{name}.py")
        if spec is not None and spec.loader is not None and Path(spec.origin or "").is_file():
            table = module_from_spec(spec)
            spec.loader.exec_module(table)
            return table
    raise ModuleNotFoundError(name, name=f"pydicom.{name}")


ELEMENTS: dict[int, tuple[str, str, str, str, str]] = _table("_dicom_dict").DicomDictionary
"""Representation, multiplicity, name, retired, and keyword of each standard element, by tag."""

UIDS: dict[str, tuple[str, str, str, str, str]] = _table("_uid_dict").UID_dictionary
"""Name, type, remark, retired, and keyword of each registered UID."""
