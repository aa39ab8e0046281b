# Every month, as the systemd timer and the CronJob of other projects: on the first, at 03:17 UTC.
resource "aws_scheduler_schedule_group" "line" {
  name = local.name
}

resource "aws_scheduler_schedule" "line" {
  name                         = "${local.name}-line"
  group_name                   = aws_scheduler_schedule_group.line.name
  schedule_expression          = "cron(17 3 1 * ? *)"
  schedule_expression_timezone = "Etc/UTC"
  kms_key_arn                  = aws_kms_key.data.arn

  flexible_time_window {
    mode = "OFF"
  }

  target {
    arn      = aws_ecs_cluster.main.arn
    role_arn = aws_iam_role.schedule.arn

    ecs_parameters {
      task_definition_arn = aws_ecs_task_definition.line.arn
      launch_type         = "FARGATE"

      network_configuration {
        subnets          = aws_subnet.private[*].id
        security_groups  = [aws_security_group.containers["line"].id]
        assign_public_ip = false
      }
    }

    retry_policy { # of what could not be started; a run that fails raises an alert and is not repeated
      maximum_retry_attempts       = 10
      maximum_event_age_in_seconds = 86400
    }
  }
}

resource "aws_iam_role" "schedule" {
  name               = "${local.name}-schedule"
  assume_role_policy = data.aws_iam_policy_document.schedules.json
}

data "aws_iam_policy_document" "schedules" {
  statement {
    actions = ["sts:AssumeRole"]

    principals {
      type        = "Service"
      identifiers = ["scheduler.amazonaws.com"]
    }

    condition {
      test     = "StringEquals"
      variable = "aws:SourceAccount"
      values   = [local.account]
    }
  }
}

resource "aws_iam_role_policy" "schedule" {
  name   = "schedule"
  role   = aws_iam_role.schedule.id
  policy = data.aws_iam_policy_document.schedule.json
}

data "aws_iam_policy_document" "schedule" {
  statement {
    actions   = ["ecs:RunTask"]
    resources = [aws_ecs_task_definition.line.arn]

    condition {
      test     = "ArnEquals"
      variable = "ecs:cluster"
      values   = [aws_ecs_cluster.main.arn]
    }
  }

  statement {
    actions   = ["iam:PassRole"]
    resources = [aws_iam_role.start.arn, aws_iam_role.line.arn]

    condition {
      test     = "StringEquals"
      variable = "iam:PassedToService"
      values   = ["ecs-tasks.amazonaws.com"]
    }
  }

  statement {
    actions   = ["kms:Decrypt"]
    resources = [aws_kms_key.data.arn]
  }
}

resource "aws_cloudwatch_metric_alarm" "schedule" {
  alarm_name          = "${local.name}-line-not-started"
  alarm_description   = "The schedule could not start the line. docs/runbook.md says what to do."
  namespace           = "AWS/Scheduler"
  metric_name         = "InvocationDroppedCount"
  dimensions          = { ScheduleGroup = aws_scheduler_schedule_group.line.name }
  statistic           = "Sum"
  period              = 300
  evaluation_periods  = 1
  threshold           = 0
  comparison_operator = "GreaterThanThreshold"
  treat_missing_data  = "notBreaching"
  alarm_actions       = [aws_sns_topic.alarms.arn]
}
