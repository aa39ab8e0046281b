# Whom GitHub's jobs stand for: those of this repository that run for this environment, for as long as a
# job takes. They push images, and make a version run; what the infrastructure is, a person changes.
resource "aws_iam_openid_connect_provider" "github" {
  count = var.github_provider_arn == "" ? 1 : 0

  url            = "https://token.actions.githubusercontent.com"
  client_id_list = ["sts.amazonaws.com"]
}

locals {
  github_provider = var.github_provider_arn == "" ? aws_iam_openid_connect_provider.github[0].arn : var.github_provider_arn
}

resource "aws_iam_role" "github" {
  name                 = "${local.name}-github"
  assume_role_policy   = data.aws_iam_policy_document.github_jobs.json
  max_session_duration = 3600
}

data "aws_iam_policy_document" "github_jobs" {
  statement {
    actions = ["sts:AssumeRoleWithWebIdentity"]

    principals {
      type        = "Federated"
      identifiers = [local.github_provider]
    }

    condition {
      test     = "StringEquals"
      variable = "token.actions.githubusercontent.com:aud"
      values   = ["sts.amazonaws.com"]
    }

    # A name can be given up and taken by somebody else; the number cannot.
    condition {
      test     = "StringEquals"
      variable = "token.actions.githubusercontent.com:repository_id"
      values   = [var.repository_id]
    }

    # repo:owner/name:environment:… or, of repositories since 2026, repo:owner@number/name@number:environment:…
    condition {
      test     = "StringLike"
      variable = "token.actions.githubusercontent.com:sub"
      values   = ["repo:${replace(var.repository, "/", "*/")}*:environment:${var.environment}"]
    }
  }
}

resource "aws_iam_role_policy" "github_deploys" {
  name   = "deploys"
  role   = aws_iam_role.github.id
  policy = data.aws_iam_policy_document.github_deploys.json
}

data "aws_iam_policy_document" "github_deploys" {
  #checkov:skip=CKV_AWS_356:signing in at the registry, and taking in a version of a task, are about no resource
  #checkov:skip=CKV_AWS_111:taking in a version of a task is about no resource; whom it may stand for is said below

  statement {
    sid       = "SignIn"
    actions   = ["ecr:GetAuthorizationToken"]
    resources = ["*"] # AWS knows no narrower one for it
  }

  statement {
    sid = "Push"
    actions = [
      "ecr:BatchCheckLayerAvailability",
      "ecr:BatchGetImage",
      "ecr:CompleteLayerUpload",
      "ecr:DescribeImages",
      "ecr:GetDownloadUrlForLayer",
      "ecr:InitiateLayerUpload",
      "ecr:PutImage",
      "ecr:UploadLayerPart",
    ]
    resources = [for repository in aws_ecr_repository.images : repository.arn]
  }

  statement {
    sid       = "TheState"
    actions   = ["s3:DeleteObject", "s3:GetObject", "s3:PutObject"]
    resources = ["arn:${data.aws_partition.current.partition}:s3:::${var.state_bucket}/${var.project}.tfstate*"] # and its lock
  }

  statement {
    sid       = "WhereTheStateIs"
    actions   = ["s3:ListBucket"]
    resources = ["arn:${data.aws_partition.current.partition}:s3:::${var.state_bucket}"]
  }

  statement {
    sid       = "AVersionOfATask"
    actions   = ["ecs:DeregisterTaskDefinition", "ecs:RegisterTaskDefinition"]
    resources = ["*"] # AWS knows no narrower one for the first of them, and takes the second with it
  }

  statement {
    sid       = "TagIt"
    actions   = ["ecs:TagResource"]
    resources = ["arn:${data.aws_partition.current.partition}:ecs:${var.region}:${local.account}:task-definition/${local.name}-*"] # its versions
  }

  statement {
    sid       = "MakeItRun"
    actions   = ["ecs:UpdateService"]
    resources = ["arn:${data.aws_partition.current.partition}:ecs:${var.region}:${local.account}:service/${aws_ecs_cluster.main.name}/*"] # of this cluster
  }

  statement {
    sid       = "OrTheLine"
    actions   = ["ecs:RunTask"]
    resources = ["${aws_ecs_task_definition.line.arn_without_revision}:*"] # its versions
  }

  statement {
    sid       = "AsThese"
    actions   = ["iam:PassRole"]
    resources = [for role in ["start", "line", "serve", "schedule"] : "arn:${data.aws_partition.current.partition}:iam::${local.account}:role/${local.name}-${role}"]

    condition {
      test     = "StringEquals"
      variable = "iam:PassedToService"
      values   = ["ecs-tasks.amazonaws.com", "scheduler.amazonaws.com"]
    }
  }

  statement {
    sid       = "TheSchedule"
    actions   = ["scheduler:UpdateSchedule"]
    resources = ["arn:${data.aws_partition.current.partition}:scheduler:${var.region}:${local.account}:schedule/${local.name}/${local.name}-line"]
  }

  statement {
    sid       = "TheKeyOfTheSchedule"
    actions   = ["kms:Decrypt", "kms:DescribeKey", "kms:GenerateDataKey"]
    resources = [aws_kms_key.data.arn]
  }
}

# Before it changes anything, Terraform looks at all that there is.
resource "aws_iam_role_policy" "github_looks" {
  name   = "looks"
  role   = aws_iam_role.github.id
  policy = data.aws_iam_policy_document.github_looks.json
}

data "aws_iam_policy_document" "github_looks" {
  #checkov:skip=CKV_AWS_356:reading what there is; most of it AWS grants for all resources or for none

  statement {
    actions = [
      "application-autoscaling:DescribeScalableTargets",
      "application-autoscaling:DescribeScalingPolicies",
      "application-autoscaling:ListTagsForResource",
      "budgets:ListTagsForResource",
      "budgets:ViewBudget",
      "cloudwatch:DescribeAlarms",
      "cloudwatch:ListTagsForResource",
      "ec2:DescribeAddresses",
      "ec2:DescribeAddressesAttribute",
      "ec2:DescribeAvailabilityZones",
      "ec2:DescribeFlowLogs",
      "ec2:DescribeInternetGateways",
      "ec2:DescribeNatGateways",
      "ec2:DescribeNetworkAcls",
      "ec2:DescribeNetworkInterfaces",
      "ec2:DescribePrefixLists",
      "ec2:DescribeRouteTables",
      "ec2:DescribeSecurityGroupRules",
      "ec2:DescribeSecurityGroups",
      "ec2:DescribeSubnets",
      "ec2:DescribeVpcAttribute",
      "ec2:DescribeVpcEndpoints",
      "ec2:DescribeVpcs",
      "ecr:DescribeRepositories",
      "ecr:GetLifecyclePolicy",
      "ecr:ListTagsForResource",
      "ecs:DescribeClusters",
      "ecs:DescribeServices",
      "ecs:DescribeTaskDefinition",
      "ecs:DescribeTasks",
      "ecs:ListTagsForResource",
      "elasticfilesystem:DescribeAccessPoints",
      "elasticfilesystem:DescribeBackupPolicy",
      "elasticfilesystem:DescribeFileSystemPolicy",
      "elasticfilesystem:DescribeFileSystems",
      "elasticfilesystem:DescribeLifecycleConfiguration",
      "elasticfilesystem:DescribeMountTargetSecurityGroups",
      "elasticfilesystem:DescribeMountTargets",
      "elasticfilesystem:ListTagsForResource",
      "elasticloadbalancing:DescribeCapacityReservation",
      "elasticloadbalancing:DescribeListenerAttributes",
      "elasticloadbalancing:DescribeListeners",
      "elasticloadbalancing:DescribeLoadBalancerAttributes",
      "elasticloadbalancing:DescribeLoadBalancers",
      "elasticloadbalancing:DescribeTags",
      "elasticloadbalancing:DescribeTargetGroupAttributes",
      "elasticloadbalancing:DescribeTargetGroups",
      "events:DescribeRule",
      "events:ListTagsForResource",
      "events:ListTargetsByRule",
      "iam:GetOpenIDConnectProvider",
      "iam:GetRole",
      "iam:GetRolePolicy",
      "iam:ListAttachedRolePolicies",
      "iam:ListRolePolicies",
      "kms:DescribeKey",
      "kms:GetKeyPolicy",
      "kms:GetKeyRotationStatus",
      "kms:ListAliases",
      "kms:ListResourceTags",
      "logs:DescribeLogGroups",
      "logs:ListTagsForResource",
      "s3:GetAccelerateConfiguration",
      "s3:GetBucketAcl",
      "s3:GetBucketCORS",
      "s3:GetBucketLogging",
      "s3:GetBucketObjectLockConfiguration",
      "s3:GetBucketOwnershipControls",
      "s3:GetBucketPolicy",
      "s3:GetBucketPublicAccessBlock",
      "s3:GetBucketRequestPayment",
      "s3:GetBucketTagging",
      "s3:GetBucketVersioning",
      "s3:GetBucketWebsite",
      "s3:GetEncryptionConfiguration",
      "s3:GetLifecycleConfiguration",
      "s3:GetReplicationConfiguration",
      "scheduler:GetSchedule",
      "scheduler:GetScheduleGroup",
      "scheduler:ListTagsForResource",
      "secretsmanager:DescribeSecret",
      "secretsmanager:GetResourcePolicy",
      "sns:GetSubscriptionAttributes",
      "sns:GetTopicAttributes",
      "sns:ListTagsForResource",
    ]
    resources = ["*"] # it changes nothing, and reads neither objects nor secrets
  }
}
