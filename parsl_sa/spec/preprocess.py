"""What a network expects of its inputs: the steps between what a user writes and what the network reads."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BeforeValidator, Field, WithJsonSchema

from parsl_sa.spec.fields import AsTuple, Count, Number, Section, complain

if TYPE_CHECKING:
    from collections.abc import Iterator

    from parsl_sa.spec.parts import Finding, Part


def _per_channel(given: Any) -> Any:
    if isinstance(given, int | float) and not isinstance(given, bool):
        return float(given)
    if (
        isinstance(given, list | tuple)
        and given
        and all(isinstance(one, int | float) and not isinstance(one, bool) for one in given)
    ):
        return tuple(float(one) for one in given)
    raise complain("must be a number, or a list with one number a channel or column")


_NUMBERS = {"anyOf": [{"type": "number"}, {"type": "array", "items": {"type": "number"}, "minItems": 1}]}
PerChannel = Annotated[Any, BeforeValidator(_per_channel), WithJsonSchema(_NUMBERS)]


class PreprocessSpec(Section):
    """Steps to the network's inputs, in this order: size, channels, scale, mean and sd, layout."""

    size: Annotated[tuple[Count, Count], AsTuple] | None = Field(
        default=None, description="Rows and columns that an image is resized to, bilinear with antialiasing."
    )
    channels: Literal["rgb", "bgr", "gray"] = Field(
        default="rgb",
        description='Order of the colours that the network reads: "rgb" as images are read, "bgr" turned '
        'round, "gray" one channel of luminance.',
    )
    scale: Number = Field(
        default=1.0, description="Factor of every value: 0.00392156862745098 turns 0-255 into 0-1."
    )
    mean: PerChannel = Field(
        default=0.0, description="Subtracted after scaling: a number, or one a channel or column."
    )
    sd: PerChannel = Field(
        default=1.0,
        description="Divided by after that: a number, or one a channel or column; none of them 0.",
    )
    layout: Literal["channels-first", "channels-last", "keep"] = Field(
        default="channels-first",
        description='Where the network wants the channels of an image: "channels-first" as PyTorch has them, '
        '"channels-last" as TensorFlow does; a grey image gets a channel axis. "keep" leaves the axes as '
        "they are.",
    )

    @classmethod
    def rules(cls, part: Part) -> Iterator[Finding]:
        """Yield what is wrong between fields that are sound one by one."""
        mean, sd = part.get("mean"), part.get("sd")
        if sd is not None and 0 in (list(sd) if isinstance(sd, list | tuple) else [sd]):
            yield part.finding("must not be 0", "sd")
        if part.get("scale") == 0:
            yield part.finding("must not be 0", "scale")
        lengths = {len(each) for each in (mean, sd) if isinstance(each, list | tuple)}
        if len(lengths) > 1:
            yield part.finding(f"has {len(sd)} numbers, and mean has {len(mean)}", "sd")
