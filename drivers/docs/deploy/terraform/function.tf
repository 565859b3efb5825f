# The function, its log, and a role that allows it to write there and no more. Other files add what they need.

resource "aws_lambda_function" "function" {
  function_name    = var.name
  role             = aws_iam_role.function.arn
  filename         = var.package
  source_code_hash = filebase64sha256(var.package)
  runtime          = "provided.al2023"
  handler          = "bootstrap"
  architectures    = ["arm64"]
  memory_size      = 256
  timeout          = 29

  environment {
    variables = {
      # Matches the invoke mode of function_url.tf and rest_api.tf.
      APPTHEORY_INVOKE_MODE            = "streaming"
      APPTHEORY_RATE_LIMIT_TABLE_NAME  = aws_dynamodb_table.rate_limits.name
      APPTHEORY_EVENTBUS_TABLE_NAME    = aws_dynamodb_table.events.name
      APPTHEORY_IDEMPOTENCY_TABLE_NAME = aws_dynamodb_table.idempotency.name
      APPTHEORY_CONNECTIONS_TABLE_NAME = aws_dynamodb_table.connections.name
    }
  }

  logging_config {
    log_format = "JSON"
    log_group  = aws_cloudwatch_log_group.function.name
  }
}

resource "aws_cloudwatch_log_group" "function" {
  name              = "/aws/lambda/${var.name}"
  retention_in_days = 30
}

data "aws_iam_policy_document" "lambda_assumes" {
  statement {
    actions = ["sts:AssumeRole"]
    principals {
      type        = "Service"
      identifiers = ["lambda.amazonaws.com"]
    }
  }
}

resource "aws_iam_role" "function" {
  name               = "${var.name}-function"
  assume_role_policy = data.aws_iam_policy_document.lambda_assumes.json
}

data "aws_iam_policy_document" "logs" {
  statement {
    actions   = ["logs:CreateLogStream", "logs:PutLogEvents"]
    resources = ["${aws_cloudwatch_log_group.function.arn}:*"]
  }
}

resource "aws_iam_role_policy" "logs" {
  name   = "logs"
  role   = aws_iam_role.function.id
  policy = data.aws_iam_policy_document.logs.json
}
