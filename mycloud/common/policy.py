"""Who may do what: oslo.policy rules, checked by name."""

from typing import Any

from oslo_config import cfg
from oslo_policy import policy as oslo_policy

from mycloud import policies
from mycloud.common import clock, exceptions
from mycloud.common.context import RequestContext

#: Seconds for which an answer holds; a changed policy file counts after that.
_MEMORY_SECONDS = 1.0
_MEMORY_SIZE = 10000

#: Where a context keeps what identifies its caller.
_CALLER = "_policy_caller"

_enforcer: oslo_policy.Enforcer | None = None
#: (rule, caller) -> the answer for the caller's own project. The enforcer looks for changed
#: files and walks the rule at every question, which would be a third of the time of a GET.
_answers: dict[tuple[Any, ...], bool] = {}
_answers_until = 0.0


def get_enforcer() -> oslo_policy.Enforcer:
    """The process's enforcer with all rules registered; reads the policy file if there is one."""
    global _enforcer
    if _enforcer is None:
        enforcer = oslo_policy.Enforcer(cfg.CONF, use_conf=True)
        enforcer.suppress_deprecation_warnings = True
        enforcer.register_defaults(policies.list_rules())
        _enforcer = enforcer
    return _enforcer


def reset() -> None:
    """Forget the enforcer (changed options, end of a test)."""
    global _enforcer
    _enforcer = None
    _answers.clear()


def allowed(
    context: RequestContext, rule: str, target: dict[str, Any] | None = None
) -> bool:
    """Whether the rule lets this caller act on the target (default: its own project)."""
    if target is not None:
        return _ask(context, rule, target)
    global _answers_until
    now = clock.monotonic()
    if now > _answers_until or len(_answers) > _MEMORY_SIZE:
        _answers.clear()
        _answers_until = now + _MEMORY_SECONDS
    key = (rule, _caller(context))
    answer = _answers.get(key)
    if answer is None:
        own = {"project_id": context.project_id, "user_id": context.user_id}
        answer = _answers[key] = _ask(context, rule, own)
    return answer


def _caller(context: RequestContext) -> tuple[Any, ...]:
    """All that rules can ask of a caller; put together once a request."""
    found: tuple[Any, ...] | None = context.__dict__.get(_CALLER)
    if found is None:
        values = context.to_policy_values().values()
        found = tuple(
            tuple(value) if isinstance(value, list) else value for value in values
        )
        context.__dict__[_CALLER] = found
    return found


def _ask(context: RequestContext, rule: str, target: dict[str, Any]) -> bool:
    return bool(get_enforcer().authorize(rule, target, context, do_raise=False))


def enforce(
    context: RequestContext, rule: str, target: dict[str, Any] | None = None
) -> None:
    """:raises Forbidden: if the rule does not let this caller act on the target"""
    if not allowed(context, rule, target):
        raise exceptions.Forbidden(action=rule)
