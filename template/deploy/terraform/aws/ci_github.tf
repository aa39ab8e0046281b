# Jobs of one repository at GitHub, for this environment: they sign in by a token of GitHub's, without a key.
resource "aws_iam_openid_connect_provider" "ci" {
  count = var.github_provider_arn == "" ? 1 : 0

  url            = "https://token.actions.githubusercontent.com"
  client_id_list = ["sts.amazonaws.com"]
}

data "aws_iam_policy_document" "ci_jobs" {
  statement {
    actions = ["sts:AssumeRoleWithWebIdentity"]

    principals {
      type        = "Federated"
      identifiers = [var.github_provider_arn == "" ? aws_iam_openid_connect_provider.ci[0].arn : var.github_provider_arn]
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

variable "repository" {
  description = "The repository at GitHub, as owner/name: its jobs for this environment may deploy."
  type        = string

  validation {
    condition     = can(regex("^[A-Za-z0-9-]+/[A-Za-z0-9_.-]+$", var.repository))
    error_message = "It has to be owner/name."
  }
}

variable "repository_id" {
  description = "The number that GitHub gave that repository: gh api repos/OWNER/NAME --jq .id"
  type        = string

  validation {
    condition     = can(regex("^[0-9]+$", var.repository_id))
    error_message = "It has to be a number."
  }
}

variable "github_provider_arn" {
  description = "GitHub as the account knows it already (an account takes it in once); empty: it is made known."
  type        = string
  default     = ""

  validation {
    condition     = var.github_provider_arn == "" || endswith(var.github_provider_arn, "oidc-provider/token.actions.githubusercontent.com")
    error_message = "It has to be the ARN of the provider token.actions.githubusercontent.com."
  }
}
