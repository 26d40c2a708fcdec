"""Functions and structures of the kinds that a C extension makes, made without one.

The vendor's module is written in C, and programs can tell: its functions do not bind as methods, have no
signature and know `f(x)` from `f(x, **{})`; its structures are struct sequences, of immutable types that
name no module. The interpreter's own C interface, reached through `ctypes`, makes exactly these here, on
every platform and with no compiler.

Sources: Python/C API Reference Manual, "Common Object Structures" (PyMethodDef), "Tuple Objects" (Struct
Sequence Objects), "Type Objects" (PyType_GetSlot).
"""

import ctypes
from collections.abc import Callable
from enum import IntFlag
from types import ModuleType
from typing import Any

Work = Callable[[tuple[Any, ...], dict[str, Any] | None], Any]
"""What a function does with its positional arguments, and its named ones or None."""

TYPE_OBJECT_BYTES = 4096
"""Room for one C type object; the widest of CPython 3.11 to 3.13 takes less than 500 bytes."""

DESCRIPTOR_GET_SLOT = 54  # Py_tp_descr_get of the stable ABI's typeslots.h


class Takes(IntFlag):
    """How the interpreter hands arguments to a C function; numbers of the Python C API."""

    POSITIONAL = 1  # METH_VARARGS
    NAMED = 2  # METH_KEYWORDS
    NOTHING = 4  # METH_NOARGS


class _MethodDefinition(ctypes.Structure):
    _fields_ = (
        ("name", ctypes.c_char_p),
        ("function", ctypes.c_void_p),
        ("flags", ctypes.c_int),
        ("doc", ctypes.c_char_p),
    )


class _FieldDescription(ctypes.Structure):
    _fields_ = (("name", ctypes.c_char_p), ("doc", ctypes.c_char_p))


class _StructureDescription(ctypes.Structure):
    _fields_ = (
        ("name", ctypes.c_char_p),
        ("doc", ctypes.c_char_p),
        ("fields", ctypes.POINTER(_FieldDescription)),
        ("shown_fields", ctypes.c_int),
    )


def _c(name: str, result: Any, *arguments: Any) -> Any:
    return ctypes.PYFUNCTYPE(result, *arguments)((name, ctypes.pythonapi))


_allocate = _c("PyMem_RawCalloc", ctypes.c_void_p, ctypes.c_size_t, ctypes.c_size_t)
_keep = _c("Py_IncRef", None, ctypes.py_object)
_new_function = _c("PyCFunction_NewEx", ctypes.py_object, ctypes.c_void_p, ctypes.py_object, ctypes.py_object)
_slot_address = _c("PyType_GetSlot", ctypes.c_void_p, ctypes.py_object, ctypes.c_int)
_init_structure = _c(
    "PyStructSequence_InitType2", ctypes.c_int, ctypes.c_void_p, ctypes.POINTER(_StructureDescription)
)
_set_on_type = _c(
    "PyObject_GenericSetAttr", ctypes.c_int, ctypes.py_object, ctypes.py_object, ctypes.py_object
)
_type_changed = _c("PyType_Modified", None, ctypes.py_object)

_kept: list[object] = []
"""What C points at for as long as the process lives."""


def builtin_function(module: str, name: str, doc: str, takes: Takes, work: Work) -> Any:
    """Return a built-in function of `module`; the interpreter itself refuses what it does not take."""
    definition = _MethodDefinition(name.encode(), _entry(takes), int(takes), doc.encode())
    _kept.append(definition)
    return _new_function(ctypes.addressof(definition), _Body(module, work), module)


def structure_type(name: str, doc: str, fields: tuple[str, ...]) -> Any:
    """Return a struct sequence type with the vendor's one addition, `_asdict()`."""
    ends = _FieldDescription(None, None)
    described = (_FieldDescription * (len(fields) + 1))(
        *[_FieldDescription(field.encode(), None) for field in fields], ends
    )
    description = _StructureDescription(name.encode(), doc.encode(), described, len(fields))
    _kept.append(description)
    address = _allocate(1, TYPE_OBJECT_BYTES)
    _init_structure(address, ctypes.byref(description))
    made = ctypes.cast(address, ctypes.py_object).value
    _keep(made)  # the memory is never freed, so the last reference must never go
    _set_on_type(made, "_asdict", _asdict)
    _type_changed(made)
    return made


class _Body(ModuleType):
    """What a function does, as the module that a built-in function must belong to."""

    def __init__(self, module: str, work: Work) -> None:
        super().__init__(module)
        self._work = work

    def __call__(self, *args: Any) -> Any:
        return self._work(args, None)

    def __get__(self, args: Any, keywords: Any) -> Any:
        # Not a descriptor: see _entry. Missing named arguments (NULL) arrive here as None.
        return self._work(args, keywords)


def _entry(takes: Takes) -> Any:
    """Return the address of a C function that passes (self, args, keywords) on to a `_Body`.

    The interpreter calls a built-in function's C code with (self, args) or (self, args, keywords). It has
    functions of its own with just these parameters: two that call `self`, and the slot behind `__get__`,
    the only one that keeps "no named arguments" apart from an empty dict.
    """
    if takes is Takes.NOTHING:
        return ctypes.cast(ctypes.pythonapi.PyObject_CallNoArgs, ctypes.c_void_p).value
    if takes is Takes.POSITIONAL:
        return ctypes.cast(ctypes.pythonapi.PyObject_CallObject, ctypes.c_void_p).value
    return _slot_address(_Body, DESCRIPTOR_GET_SLOT)


def _asdict(row: Any) -> dict[str, Any]:
    """Return the fields by name; a structure within stays one."""
    return dict(zip(type(row).__match_args__, row, strict=True))
