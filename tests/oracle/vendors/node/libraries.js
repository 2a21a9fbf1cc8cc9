// Gateways' libraries for Node. Each line read is [function, ...arguments]; each line written answers one.
'use strict';

const https = require('https');
const readline = require('readline');
const { EventEmitter } = require('events');

const shopify = (secret) => {
  require('@shopify/shopify-api/adapters/node');
  const { shopifyApi, ApiVersion } = require('@shopify/shopify-api');
  return shopifyApi({
    apiKey: 'oracle',
    apiSecretKey: secret,
    hostName: 'shop.example',
    isEmbeddedApp: false,
    apiVersion: Object.values(ApiVersion).at(-1),
    logger: { level: 0, log: () => {} },
  });
};

const vnpay = (code, secret) => {
  const { VNPay, HashAlgorithm, ignoreLogger } = require('vnpay');
  return new VNPay({
    tmnCode: code,
    secureSecret: secret,
    vnpayHost: 'https://vnpay.example',
    hashAlgorithm: HashAlgorithm.SHA512,
    loggerFn: ignoreLogger,
  });
};

const payuIndia = (key, salt) => new (require('payu-websdk'))({ key, salt }, 'TEST').hasher;

// The library signs the members of an object as they stand in it, and knows payments only. These are the gateway's.
const PAYMENT = 'merchantId posId sessionId amount originAmount currency orderId methodId statement sign'.split(' ');
const REFUND = 'orderId sessionId refundsUuid merchantId amount currency status sign'.split(' ');

const przelewy24 = (merchant, pos, crc, message) => {
  const { P24 } = require('@ingameltd/node-przelewy24');
  const signed = 'refundsUuid' in message ? REFUND : PAYMENT;
  const ordered = Object.fromEntries(signed.map((name) => [name, message[name]]));
  return new P24(merchant, pos, 'report', crc, { sandbox: true }).verifyNotification(ordered);
};

const phonepe = () => require('@phonepe-pg/pg-sdk-node/dist/common/CommonUtils').CommonUtils;

// The certificate is the test's own: the library would fetch it.
const serveCertificate = (pem) => {
  https.get = (_url, answer) => {
    const response = new EventEmitter();
    response.statusCode = 200;
    process.nextTick(() => { answer(response); response.emit('data', pem); response.emit('end'); });
    return new EventEmitter();
  };
};

const FUNCTIONS = {
  'shopify.validate': async (secret, headers, rawBody) => {
    const rawRequest = { headers, method: 'POST', url: '/webhooks/shopify' };
    return shopify(secret).webhooks.validate({ rawBody, rawRequest, rawResponse: {} });
  },
  'payu-india.sign': (key, salt, fields) => payuIndia(key, salt).generateResponseHash(fields),
  'payu-india.verify': (key, salt, fields) => payuIndia(key, salt).validateResponseHash(fields),
  'payu-eu.verify': (key, header, body) => {
    const { PayU } = require('@ingameltd/payu');
    return new PayU(0, '', 0, key, { sandbox: true }).verifyNotification(header, body);
  },
  'vnpay.sign': (secret, fields) => {
    const { buildPaymentUrlSearchParams, calculateSecureHash } = require('vnpay');
    const data = buildPaymentUrlSearchParams(fields).toString();
    const hash = calculateSecureHash({ secureSecret: secret, data, hashAlgorithm: 'SHA512', bufferEncode: 'utf-8' });
    return { data, hash };
  },
  'vnpay.verify': (code, secret, fields) => vnpay(code, secret).verifyIpnCall(fields).isVerified,
  'phonepe.sign': (username, password) => phonepe().calculateSha256({ username, password }),
  'phonepe.verify': (...args) => phonepe().isCallbackValid(...args),
  'przelewy24.verify': przelewy24,
  'alipay.verify': (appId, privateKey, alipayPublicKey, fields) => {
    const { AlipaySdk } = require('alipay-sdk');
    return new AlipaySdk({ appId, privateKey, alipayPublicKey, keyType: 'PKCS8' }).checkNotifySignV2(fields);
  },
  'wechatpay.sign': (privateKey, text) => require('wechatpay-axios-plugin').Rsa.sign(text, privateKey),
  'wechatpay.encrypt': (...args) => require('wechatpay-axios-plugin').Aes.AesGcm.encrypt(...args),
  'redsys.verify': (key, fields) => {
    try {
      return Boolean(require('redsys-easy').deserializeAndVerifyJSONResponse(key, fields));
    } catch {
      return false;
    }
  },
  'sns.verify': (certificate, message) => {
    serveCertificate(certificate);
    const validator = new (require('sns-validator'))();
    return new Promise((resolve) => validator.validate(message, (error) => resolve(!error)));
  },
};

(async () => {
  for await (const line of readline.createInterface({ input: process.stdin })) {
    const [name, ...args] = JSON.parse(line);
    let answer;
    try {
      answer = { result: (await FUNCTIONS[name](...args)) ?? null };
    } catch (error) {
      answer = { error: String(error?.stack ?? error) };
    }
    process.stdout.write(`${JSON.stringify(answer)}\n`);
  }
})();
