# Alarms of the function: invocations that fail, and those that Lambda refuses.

variable "alarm_topics" {
  type        = list(string)
  description = "The ARNs of the SNS topics that get the alarms."
  default     = []
}

resource "aws_cloudwatch_metric_alarm" "function" {
  for_each            = toset(["Errors", "Throttles"])
  alarm_name          = "${var.name}-${lower(each.key)}"
  namespace           = "AWS/Lambda"
  metric_name         = each.key
  dimensions          = { FunctionName = aws_lambda_function.function.function_name }
  statistic           = "Sum"
  period              = 60
  evaluation_periods  = 1
  threshold           = 0
  comparison_operator = "GreaterThanThreshold"
  treat_missing_data  = "notBreaching"
  alarm_actions       = var.alarm_topics
}
