"""Gateways as their vendors' own libraries know them, one module each."""

from .alipay import Alipay
from .bkash import Bkash
from .braintree import Braintree
from .cashfree import Cashfree
from .coinbase_commerce import CoinbaseCommerce
from .gocardless import Gocardless
from .mercadopago import MercadoPago
from .paddle import Paddle
from .paypal import Paypal
from .payu import PayuEurope, PayuIndia
from .phonepe import PhonePe
from .plain import Conekta, Doku, Midtrans, Paystack, Wise, Zalopay
from .przelewy24 import Przelewy24
from .razorpay import Razorpay
from .redsys import Redsys
from .regional import Dlocal, Iyzico, Momo, Payfast, Paytr, PayuLatam, Tap, Tbank
from .shopify import Shopify
from .square import Square
from .sslcommerz import SslCommerz
from .standard import Polar, Svix, Yoco
from .vnpay import Vnpay
from .wechatpay import WechatPay
from .yookassa import Yookassa

VENDORS = [
    Alipay(),
    Bkash(),
    Braintree(),
    Cashfree(),
    CoinbaseCommerce(),
    Conekta(),
    Dlocal(),
    Doku(),
    Gocardless(),
    Iyzico(),
    MercadoPago(),
    Midtrans(),
    Momo(),
    Paddle(),
    Payfast(),
    Paypal(),
    Paystack(),
    Paytr(),
    PayuEurope(),
    PayuIndia(),
    PayuLatam(),
    PhonePe(),
    Polar(),
    Przelewy24(),
    Razorpay(),
    Redsys(),
    Shopify(),
    Square(),
    SslCommerz(),
    Svix(),
    Tap(),
    Tbank(),
    Vnpay(),
    WechatPay(),
    Wise(),
    Yoco(),
    Yookassa(),
    Zalopay(),
]
