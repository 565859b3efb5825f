# A WebSocket API, and the permission to send to its connections. Handshakes have to be signed.

resource "aws_apigatewayv2_api" "websockets" {
  name          = "${var.name}-websockets"
  protocol_type = "WEBSOCKET"
  # The member of a message that names its route.
  route_selection_expression = "$request.body.action"
}

resource "aws_apigatewayv2_integration" "websockets" {
  api_id             = aws_apigatewayv2_api.websockets.id
  integration_type   = "AWS_PROXY"
  integration_method = "POST"
  integration_uri    = aws_lambda_function.function.invoke_arn
}

resource "aws_apigatewayv2_route" "websockets" {
  for_each = {
    "$connect"    = "AWS_IAM"
    "$disconnect" = "NONE"
    "$default"    = "NONE"
  }
  api_id             = aws_apigatewayv2_api.websockets.id
  route_key          = each.key
  authorization_type = each.value
  target             = "integrations/${aws_apigatewayv2_integration.websockets.id}"
}

resource "aws_apigatewayv2_stage" "websockets" {
  api_id      = aws_apigatewayv2_api.websockets.id
  name        = "live"
  auto_deploy = true
}

resource "aws_lambda_permission" "websockets" {
  function_name = aws_lambda_function.function.function_name
  action        = "lambda:InvokeFunction"
  principal     = "apigateway.amazonaws.com"
  source_arn    = "${aws_apigatewayv2_api.websockets.execution_arn}/live/*"
}

data "aws_iam_policy_document" "websockets" {
  statement {
    actions   = ["execute-api:ManageConnections"]
    resources = ["${aws_apigatewayv2_api.websockets.execution_arn}/live/*/@connections/*"]
  }
}

resource "aws_iam_role_policy" "websockets" {
  name   = "websockets"
  role   = aws_iam_role.function.id
  policy = data.aws_iam_policy_document.websockets.json
}

output "websockets_url" {
  description = "The URL of the WebSocket API's stage."
  value       = aws_apigatewayv2_stage.websockets.invoke_url
}
