"""When jobs run: cron expressions and lateness; `schedule.render` writes the lines for cron, systemd and Kubernetes."""

from integrator.schedule.crontimes import cron_problem, is_late, local_zone, next_run, night_warning

__all__ = ["cron_problem", "is_late", "local_zone", "next_run", "night_warning"]
