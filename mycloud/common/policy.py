"""Who may do what: oslo.policy rules, checked by name."""

from typing import Any

from oslo_config import cfg
from oslo_policy import policy as oslo_policy

from mycloud import policies
from mycloud.common import exceptions
from mycloud.common.context import RequestContext

_enforcer: oslo_policy.Enforcer | None = None


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


def allowed(
    context: RequestContext, rule: str, target: dict[str, Any] | None = None
) -> bool:
    """Whether the rule lets this caller act on the target (default: its own project)."""
    if target is None:
        target = {"project_id": context.project_id, "user_id": context.user_id}
    enforcer = get_enforcer()
    done: bool = enforcer.authorize(rule, target, context, do_raise=False)
    return done


def enforce(
    context: RequestContext, rule: str, target: dict[str, Any] | None = None
) -> None:
    """:raises Forbidden: if the rule does not let this caller act on the target"""
    if not allowed(context, rule, target):
        raise exceptions.Forbidden(action=rule)
