"""Writes Tests/Fixtures/clip-text: tiny CLIP text models as transformers saves them, with what PyTorch computes for them.

Each folder holds config.json and the weights; `case.safetensors` holds token numbers, all hidden states, the states after the
final norm and the pooled state, a target and the loss of the last layer's states and the pooled ones against it;
`gradients.safetensors` the gradient of that loss for every parameter. `flat` keeps its keys as transformers from 5.6 on names
them, without `text_model.`, and `position_ids` as old files do.

    pip install torch transformers safetensors
    python Tests/Fixtures/make_clip_text.py
"""
import pathlib

import torch
import transformers
from safetensors.torch import load_file, save_file
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection

HERE = pathlib.Path(__file__).parent / "clip-text"
PROGRAM = f"transformers {transformers.__version__}, torch {torch.__version__}"
SIZES = dict(
    vocab_size=40, hidden_size=16, intermediate_size=24, num_hidden_layers=3, num_attention_heads=2,
    max_position_embeddings=12, bos_token_id=38, pad_token_id=1)

MODELS = {
    # As in Stable Diffusion 1.x: quick GELU, and the end of a text is its highest number.
    "quick-gelu": (CLIPTextModel, dict(hidden_act="quick_gelu", eos_token_id=2)),
    # As SDXL's second: GELU, a projection, the end by its number, texts filled up with another.
    "projected": (CLIPTextModelWithProjection, dict(hidden_act="gelu", eos_token_id=39, projection_dim=10, pad_token_id=0)),
    "flat": (CLIPTextModel, dict(hidden_act="gelu", eos_token_id=39)),
}
# The second text has its end in the middle, and after it what fills it up.
IDS = {"quick-gelu": [[38, 4, 9, 30, 2, 39], [38, 7, 39, 39, 39, 39]], "projected": [[38, 4, 9, 30, 2, 39], [38, 7, 39, 0, 0, 0]],
       "flat": [[38, 4, 9, 30, 2, 39], [38, 7, 39, 1, 1, 1]]}


def main():
    torch.set_num_threads(1)
    for number, (name, (kind, config)) in enumerate(MODELS.items()):
        torch.manual_seed(number)
        model = kind(CLIPTextConfig(**SIZES | config))
        with torch.no_grad():
            for parameter in model.parameters():
                parameter.add_(0.2 * torch.randn_like(parameter))
        folder = HERE / name
        model.save_pretrained(folder)
        weights = {k.removeprefix("text_model."): v for k, v in load_file(folder / "model.safetensors").items()}
        prefix = "" if name == "flat" else "text_model."
        named = {k if k.startswith("text_projection") else prefix + k: v for k, v in weights.items()}
        if name == "flat":
            named["embeddings.position_ids"] = torch.arange(12)[None]
        save_file(named, folder / "model.safetensors", {"format": "pt"})

        ids = torch.tensor(IDS[name])
        output = model(ids, output_hidden_states=True)
        pooled = output.text_embeds if name == "projected" else output.pooler_output
        states = output.last_hidden_state
        target, pooled_target = torch.randn_like(states), torch.randn_like(pooled)
        loss = torch.nn.functional.mse_loss(states, target) + torch.nn.functional.mse_loss(pooled, pooled_target)
        loss.backward()
        norm = model.text_model.final_layer_norm if hasattr(model, "text_model") else model.final_layer_norm
        hidden = torch.stack(list(output.hidden_states))
        case = {"ids": ids.float(), "hidden": hidden, "skipped": norm(output.hidden_states[-2]), "states": states,
                "pooled": pooled, "target": target, "pooled-target": pooled_target, "loss": loss[None]}
        save_file({k: v.detach().contiguous() for k, v in case.items()}, folder / "case.safetensors", {"program": PROGRAM})
        gradients = {k.removeprefix("text_model."): p.grad for k, p in model.named_parameters()}
        named = {k if k.startswith("text_projection") else "text_model." + k: v for k, v in gradients.items()}
        save_file({k: v.contiguous() for k, v in named.items()}, folder / "gradients.safetensors", {"program": PROGRAM})
        for file in folder.iterdir():
            file.chmod(0o644)


if __name__ == "__main__":
    main()
