"""Other worlds: the same city under other assumptions, made by changing settings only."""

from collections.abc import Callable
from dataclasses import replace

from simulator.settings import Settings


def _sudden(share: float) -> Callable[[Settings], Settings]:
    """A share of new cases without warning; the others keep their proportion."""

    def change(base: Settings) -> Settings:
        gradual, slow = base.nonattendance.mix[1:]
        rest = (1 - share) / (gradual + slow)
        return replace(
            base, nonattendance=replace(base.nonattendance, mix=(share, gradual * rest, slow * rest))
        )

    return change


def _fy2024(base: Settings) -> Settings:
    """Rates of FY2024: 137,704 / ~5.98 M and 216,266 / ~3.19 M pupils (denominators from memory)."""
    return replace(base, nonattendance=replace(base.nonattendance, target=(0.0230, 0.0678)))


def _fast_ramp(base: Settings) -> Settings:
    return replace(base, nonattendance=replace(base.nonattendance, ramp_median_days=25.0))


def _no_signals(base: Settings) -> Settings:
    return replace(base, signals=replace(base.signals, onset_late=0.0, onset_early=0.0, onset_infirmary=0.0))


def _small_schools(base: Settings) -> Settings:
    return replace(base, scale=replace(base.scale, small_schools=max(1, base.scale.elementary_schools // 3)))


def _more_illness(base: Settings) -> Settings:
    """Twice the long illness: nearer to the published long absence of other reasons in junior high."""
    return replace(base, illness=replace(base.illness, long_illness=2 * base.illness.long_illness))


def _untidy(base: Settings) -> Settings:
    """An office that records late and wrongly."""
    chosen = base.recording
    worse = replace(
        chosen,
        unrecorded_class_day=10 * chosen.unrecorded_class_day,
        later_corrections=5 * chosen.later_corrections,
        month_end_corrections=5 * chosen.month_end_corrections,
        wrong_then_withdrawn=10 * chosen.wrong_then_withdrawn,
    )
    return replace(base, recording=worse)


WORLDS: dict[str, Callable[[Settings], Settings]] = {
    "base": lambda base: base,
    "sudden-10": _sudden(0.10),
    "sudden-50": _sudden(0.50),
    "fy2024": _fy2024,
    "ramp-25": _fast_ramp,
    "no-signal": _no_signals,
    "small-schools": _small_schools,
    "more-illness": _more_illness,
    "untidy": _untidy,
}


def world(name: str, seed: int = 1) -> Settings:
    """Settings of a named world.

    Raises:
        KeyError: there is no such world.
    """
    return WORLDS[name](Settings(seed=seed))


def demo(base: Settings) -> Settings:
    """The same world with one elementary (about 590 pupils) and one junior high school (about 490)."""
    two = replace(
        base.scale, elementary_schools=1, junior_schools=1, small_schools=0, pupils_per_school=(590, 490)
    )
    return replace(base, scale=two)
