terraform {
  required_version = ">= 1.10" # from there on a state in S3 is locked without a table beside it

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 6.25"
    }
  }

  backend "s3" {} # which bucket: environments/*.tfbackend
}

provider "aws" {
  region = var.region

  default_tags {
    tags = local.tags
  }
}
