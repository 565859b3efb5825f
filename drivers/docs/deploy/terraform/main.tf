# A function, its tables and its alarms, and one file for each way to call it: function_url.tf,
# http_api.tf, rest_api.tf, websockets.tf, queue.tf. Delete those that you do not need.
#
#   cargo lambda build --release --arm64 --output-format zip
#   terraform init
#   terraform apply -var name=orders -var package=target/lambda/orders/bootstrap.zip

terraform {
  required_version = ">= 1.5"
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 6.25"
    }
  }
}

variable "name" {
  type        = string
  description = "The name of the function, and the prefix of all other names."
}

variable "package" {
  type        = string
  description = "The zip file that contains the executable `bootstrap`."
}
