"use strict";
SwaggerUIBundle({ url: "doc.json", dom_id: "#swagger-ui", deepLinking: true, tryItOutEnabled: true });
