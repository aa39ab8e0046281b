# Jobs of one project at GitLab, on its protected branch main and for this environment: they sign in by a
# token of GitLab's, without a key.
resource "aws_iam_openid_connect_provider" "ci" {
  count = var.gitlab_provider_arn == "" ? 1 : 0

  url            = "https://${var.gitlab_host}"
  client_id_list = ["sts.amazonaws.com"]
}

data "aws_iam_policy_document" "ci_jobs" {
  statement {
    actions = ["sts:AssumeRoleWithWebIdentity"]

    principals {
      type        = "Federated"
      identifiers = [var.gitlab_provider_arn == "" ? aws_iam_openid_connect_provider.ci[0].arn : var.gitlab_provider_arn]
    }

    condition {
      test     = "StringEquals"
      variable = "${var.gitlab_host}:aud"
      values   = ["sts.amazonaws.com"]
    }

    # AWS sees the environment in no other claim, and of a GitLab of one's own nothing else at all: README.md
    # says how the project comes to say all this in its subject.
    condition {
      test     = "StringEquals"
      variable = "${var.gitlab_host}:sub"
      values   = ["project_id:${var.gitlab_project_id}:ref_type:branch:ref:main:ref_protected:true:deployment_tier:${var.environment}"]
    }
  }
}

variable "gitlab_host" {
  description = "Where GitLab is, when it is one of your own: AWS has to reach it."
  type        = string
  default     = "gitlab.com"

  validation {
    condition     = can(regex("^([a-z0-9]([a-z0-9-]*[a-z0-9])?[.])+[a-z]{2,}$", var.gitlab_host))
    error_message = "A name such as gitlab.example.com, without https://."
  }
}

variable "gitlab_project_id" {
  description = "The number of the project at GitLab, which no other one can get: it is in the menu (⋮) of the project's page."
  type        = string

  validation {
    condition     = can(regex("^[0-9]+$", var.gitlab_project_id))
    error_message = "It has to be a number: it is in the menu (⋮) of the project's page."
  }
}

variable "gitlab_provider_arn" {
  description = "GitLab as the account knows it already (an account takes it in once), with the audience sts.amazonaws.com; empty: it is made known."
  type        = string
  default     = ""

  validation {
    condition     = var.gitlab_provider_arn == "" || endswith(var.gitlab_provider_arn, "oidc-provider/${var.gitlab_host}")
    error_message = "It has to be the ARN of the provider that gitlab_host names."
  }
}
