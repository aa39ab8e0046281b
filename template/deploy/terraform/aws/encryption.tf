# One key for what lies here: the bucket, images, secrets, logs, alarms on their way.
resource "aws_kms_key" "data" {
  description             = local.name
  enable_key_rotation     = true
  deletion_window_in_days = 30
  policy                  = data.aws_iam_policy_document.key.json
}

resource "aws_kms_alias" "data" {
  name          = "alias/${local.name}"
  target_key_id = aws_kms_key.data.key_id
}

data "aws_iam_policy_document" "key" {
  #checkov:skip=CKV_AWS_109:the policy of a key is about that key alone, and the account has to be able to change it
  #checkov:skip=CKV_AWS_111:the policy of a key is about that key alone
  #checkov:skip=CKV_AWS_356:in the policy of a key, every resource means that key

  statement {
    sid       = "TheAccountsOwnRightsCount"
    actions   = ["kms:*"] # as AWS has it by default: without, a key can be locked for ever
    resources = ["*"]     # in the policy of a key: that key

    principals {
      type        = "AWS"
      identifiers = ["arn:${data.aws_partition.current.partition}:iam::${local.account}:root"]
    }
  }

  statement {
    sid       = "Logs"
    actions   = ["kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey", "kms:ReEncryptFrom", "kms:ReEncryptTo"]
    resources = ["*"] # in the policy of a key: that key

    principals {
      type        = "Service"
      identifiers = ["logs.${var.region}.amazonaws.com"]
    }

    condition {
      test     = "ArnLike"
      variable = "kms:EncryptionContext:aws:logs:arn"
      values   = ["arn:${data.aws_partition.current.partition}:logs:${var.region}:${local.account}:log-group:/${local.name}/*"]
    }
  }

  statement {
    sid       = "AlarmsOnTheirWay"
    actions   = ["kms:Decrypt", "kms:GenerateDataKey"]
    resources = ["*"] # in the policy of a key: that key

    principals {
      type        = "Service"
      identifiers = ["cloudwatch.amazonaws.com", "events.amazonaws.com"]
    }

    condition {
      test     = "StringEquals"
      variable = "aws:SourceAccount"
      values   = [local.account]
    }
  }
}
