locals {
  name = "${var.project}-${var.environment}"
  tags = {
    project     = var.project
    environment = var.environment
    managed_by  = "terraform"
  }

  account    = data.aws_caller_identity.current.account_id
  bucket_url = "s3://${aws_s3_bucket.data.id}/${var.project}"

  # The environment of every container.
  settings = {
    STORAGE__URL    = local.bucket_url
    STORAGE__REGION = var.region
  }
}

data "aws_caller_identity" "current" {}

data "aws_partition" "current" {}
