# Runs of one pipeline at Azure DevOps: they sign in by a token of its own, without a key. AWS sees of it the
# organization, the project and the pipeline alone, neither branch nor environment: see README.md.
resource "aws_iam_openid_connect_provider" "ci" {
  count = var.devops_provider_arn == "" ? 1 : 0

  url            = "https://${local.devops}"
  client_id_list = ["api://AzureADTokenExchange"]
}

data "aws_iam_policy_document" "ci_jobs" {
  statement {
    actions = ["sts:AssumeRoleWithWebIdentity"]

    principals {
      type        = "Federated"
      identifiers = [var.devops_provider_arn == "" ? aws_iam_openid_connect_provider.ci[0].arn : var.devops_provider_arn]
    }

    condition {
      test     = "StringEquals"
      variable = "${local.devops}:aud"
      values   = ["api://AzureADTokenExchange"]
    }

    condition {
      test     = "StringEquals"
      variable = "${local.devops}:sub"
      values   = ["p://${var.devops_organization}/${var.devops_project}/${var.devops_pipeline}"]
    }
  }
}

locals {
  devops = "vstoken.dev.azure.com/${var.devops_organization_id}"
}

variable "devops_organization_id" {
  description = "The id of the organization at Azure DevOps: instanceId at https://dev.azure.com/ORGANIZATION/_apis/connectionData."
  type        = string

  validation {
    condition     = can(regex("^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$", var.devops_organization_id))
    error_message = "It has to be an id such as 01234567-89ab-cdef-0123-456789abcdef, in small letters."
  }
}

variable "devops_organization" {
  description = "The name of that organization, as its address has it."
  type        = string

  validation {
    condition     = can(regex("^[A-Za-z0-9][A-Za-z0-9-]*$", var.devops_organization))
    error_message = "It has to be the name in https://dev.azure.com/NAME."
  }
}

variable "devops_project" {
  description = "The name of the project whose pipeline deploys."
  type        = string

  validation {
    condition     = can(regex("^[^/*?$]+$", var.devops_project))
    error_message = "It has to be a name, without / and without wildcards."
  }
}

variable "devops_pipeline" {
  description = "The name of that pipeline."
  type        = string

  validation {
    condition     = can(regex("^[^/*?$]+$", var.devops_pipeline))
    error_message = "It has to be a name, without / and without wildcards."
  }
}

variable "devops_provider_arn" {
  description = "The organization as the account knows it already (an account takes it in once); empty: it is made known."
  type        = string
  default     = ""

  validation {
    condition     = var.devops_provider_arn == "" || endswith(var.devops_provider_arn, "oidc-provider/vstoken.dev.azure.com/${var.devops_organization_id}")
    error_message = "It has to be the ARN of the provider vstoken.dev.azure.com/ and the id of the organization."
  }
}
