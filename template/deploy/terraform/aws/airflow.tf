# The steps of the line, each in a task of its own, which Airflow starts and follows: see deploy/airflow/mwaa.md.
variable "airflow_role" {
  description = "Name of the role that Airflow's workers have, such as the execution role of MWAA. Empty: nobody's."
  type        = string
  default     = ""

  validation {
    condition     = can(regex("^[A-Za-z0-9+=,.@_-]{0,64}$", var.airflow_role))
    error_message = "The name of a role, without its path and without arn:."
  }
}

output "airflow" {
  description = "What stands behind config/airflow.toml where Airflow reads it."
  value       = <<-TOML

    [ecs]
    region = ${jsonencode(var.region)}
    cluster = ${jsonencode(aws_ecs_cluster.main.name)}
    task_definition = ${jsonencode(aws_ecs_task_definition.line.family)}
    subnets = ${jsonencode(aws_subnet.private[*].id)}
    security_group = ${jsonencode(aws_security_group.containers["line"].id)}
    log_group = ${jsonencode(aws_cloudwatch_log_group.line.name)}
  TOML
}

resource "aws_iam_role_policy" "airflow" {
  count = var.airflow_role == "" ? 0 : 1

  name   = "${local.name}-line"
  role   = var.airflow_role
  policy = data.aws_iam_policy_document.airflow.json
}

data "aws_iam_policy_document" "airflow" {
  #checkov:skip=CKV_AWS_356:looking for tasks is about no resource, but bound to the cluster

  statement {
    actions   = ["ecs:RunTask"]
    resources = ["${aws_ecs_task_definition.line.arn_without_revision}:*"] # its versions

    condition {
      test     = "ArnEquals"
      variable = "ecs:cluster"
      values   = [aws_ecs_cluster.main.arn]
    }
  }

  statement {
    actions   = ["ecs:DescribeTasks", "ecs:StopTask"]
    resources = ["${replace(aws_ecs_cluster.main.arn, ":cluster/", ":task/")}/*"] # the tasks of this cluster

    condition {
      test     = "ArnEquals"
      variable = "ecs:cluster"
      values   = [aws_ecs_cluster.main.arn]
    }
  }

  statement {
    actions   = ["ecs:ListTasks"]
    resources = ["*"] # AWS knows no narrower one for tasks of Fargate

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
    actions   = ["logs:GetLogEvents"]
    resources = ["${aws_cloudwatch_log_group.line.arn}:log-stream:line/line/*"] # the streams of its tasks
  }
}
