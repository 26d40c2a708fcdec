"""The vendor's `group` masks: a comma list, `*` anywhere, `!` excludes.

Rules: reading of the package 5.0.6231. Case-sensitive; an exclusion that matches wins at once; a mask
without `*` must equal the whole name; a list of exclusions only matches nothing.
"""

from fnmatch import fnmatchcase


def matches(group: str, name: str) -> bool:
    """Tell whether a symbol's name belongs to a group."""
    included = False
    for mask in (part.strip() for part in group.split(",")):
        if mask.startswith("!"):
            if _fits(mask[1:], name):
                return False
        elif mask and _fits(mask, name):
            included = True
    return included


def _fits(mask: str, name: str) -> bool:
    # Only the star is special to the vendor; brackets and question marks are letters.
    return fnmatchcase(name, mask.replace("[", "[[]").replace("?", "[?]"))
