"""What all terms share: frozen, and no key that nobody knows."""

from pydantic import BaseModel, ConfigDict, ValidationError


class ConfigError(Exception):
    """The configuration is wrong; the text names each field and its rule."""


class Terms(BaseModel):
    """A part of the configuration; valid once built."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def sentences(error: ValidationError) -> str:
    """Return each broken rule with its field, without the values: a password may be among them."""
    problems = [
        f"{'.'.join(str(part) for part in problem['loc']) or 'config'}: {problem['msg']}"
        for problem in error.errors(include_input=False, include_url=False)
    ]
    return "; ".join(problems)
