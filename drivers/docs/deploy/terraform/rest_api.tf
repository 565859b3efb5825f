# A REST API that streams. Requests have to be signed.

resource "aws_api_gateway_rest_api" "rest" {
  name = "${var.name}-rest"

  endpoint_configuration {
    types = ["REGIONAL"]
  }
}

resource "aws_api_gateway_resource" "any_path" {
  rest_api_id = aws_api_gateway_rest_api.rest.id
  parent_id   = aws_api_gateway_rest_api.rest.root_resource_id
  path_part   = "{proxy+}"
}

data "aws_partition" "current" {}

data "aws_region" "current" {}

locals {
  # `{proxy+}` is every path but `/`.
  rest_resources = {
    root     = aws_api_gateway_rest_api.rest.root_resource_id
    any_path = aws_api_gateway_resource.any_path.id
  }
  lambda_path = "arn:${data.aws_partition.current.partition}:apigateway:${data.aws_region.current.region}:lambda:path"
}

resource "aws_api_gateway_method" "any" {
  for_each      = local.rest_resources
  rest_api_id   = aws_api_gateway_rest_api.rest.id
  resource_id   = each.value
  http_method   = "ANY"
  authorization = "AWS_IAM"
}

# Streaming takes both: another path, and the mode.
resource "aws_api_gateway_integration" "any" {
  for_each                = local.rest_resources
  rest_api_id             = aws_api_gateway_rest_api.rest.id
  resource_id             = each.value
  http_method             = aws_api_gateway_method.any[each.key].http_method
  type                    = "AWS_PROXY"
  integration_http_method = "POST"
  uri                     = "${local.lambda_path}/2021-11-15/functions/${aws_lambda_function.function.arn}/response-streaming-invocations"
  response_transfer_mode  = "STREAM"
}

resource "aws_api_gateway_deployment" "rest" {
  rest_api_id = aws_api_gateway_rest_api.rest.id

  triggers = {
    redeployment = sha1(jsonencode([aws_api_gateway_method.any, aws_api_gateway_integration.any]))
  }
  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_api_gateway_stage" "rest" {
  rest_api_id   = aws_api_gateway_rest_api.rest.id
  deployment_id = aws_api_gateway_deployment.rest.id
  stage_name    = "live"
}

resource "aws_lambda_permission" "rest" {
  function_name = aws_lambda_function.function.function_name
  action        = "lambda:InvokeFunction"
  principal     = "apigateway.amazonaws.com"
  source_arn    = "${aws_api_gateway_rest_api.rest.execution_arn}/live/*"
}

output "rest_api_url" {
  description = "The URL of the REST API's stage."
  value       = aws_api_gateway_stage.rest.invoke_url
}
