# A URL that streams. Requests have to be signed, by callers who have the policy below.

resource "aws_lambda_function_url" "function" {
  function_name      = aws_lambda_function.function.function_name
  authorization_type = "AWS_IAM"
  invoke_mode        = "RESPONSE_STREAM"
}

# A call of the URL takes both permissions.
data "aws_iam_policy_document" "call_url" {
  statement {
    actions   = ["lambda:InvokeFunctionUrl"]
    resources = [aws_lambda_function.function.arn]
    condition {
      test     = "StringEquals"
      variable = "lambda:FunctionUrlAuthType"
      values   = ["AWS_IAM"]
    }
  }
  statement {
    actions   = ["lambda:InvokeFunction"]
    resources = [aws_lambda_function.function.arn]
    condition {
      test     = "Bool"
      variable = "lambda:InvokedViaFunctionUrl"
      values   = ["true"]
    }
  }
}

resource "aws_iam_policy" "call_url" {
  name   = "${var.name}-call-url"
  policy = data.aws_iam_policy_document.call_url.json
}

output "function_url" {
  description = "The URL of the function."
  value       = aws_lambda_function_url.function.function_url
}
